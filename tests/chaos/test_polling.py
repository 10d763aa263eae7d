"""Pollers, Postgres and the accrual system are killed at random: every number is credited once."""

import os
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from order_service.embedded.postgres import PostgresServer
from order_service.infra.luhn import check_digit
from order_service.ledger.checking import check_balances
from tests.backends import Environ, migrator_of, process_environ
from tests.builders import ROOT
from tests.chaos.accrual_system import UnreliableAccrual, truth_of
from tests.ledgers import run_of
from tests.servers import started
from tests.waiting import eventually

SEED = int(os.environ.get("CHAOS_SEED") or 12)
MINUTES = float(os.environ.get("CHAOS_MINUTES") or 0)
SECONDS = MINUTES * 60 or 20.0
NUMBERS, PEOPLE, POLLERS, THREADS = 3_000, 40, 3, 4

_ADD = """
    INSERT INTO loyalty.orders (number, owner)
    SELECT * FROM unnest(%s::text[], %s::uuid[])
"""
# Leases last half a minute and pauses grow to ten: time goes by faster here. A poller that still
# works on a number that is given to another one is what a lease guards against.
_HURRY = "UPDATE loyalty.orders SET due_at = now() WHERE due_at > now()"
_OPEN = "SELECT count(*) FROM loyalty.orders WHERE due_at IS NOT NULL"
_ORDERS = "SELECT number, owner, status, coalesce(accrual, 0) FROM loyalty.orders"
_CREDITS = """
    SELECT reference, count(*), sum(amount) FROM loyalty.entries
    WHERE kind = 'accrual' GROUP BY reference
"""


class Pollers:
    """Processes that poll."""

    def __init__(self, environ: Environ, folder: Path) -> None:
        self._environ = process_environ({**environ, "METRICS_WORKER_PORT": "0"})
        self._folder = folder
        self._running: list[subprocess.Popen[bytes]] = []

    def start_one(self) -> None:
        with (self._folder / "pollers.log").open("ab") as log:
            command = [sys.executable, "-m", "order_service", "work", "loyalty-poller"]
            process = subprocess.Popen(command, cwd=ROOT, env=self._environ, stdout=log, stderr=log)
        self._running.append(process)

    def kill_one(self, random: Random) -> None:
        victim = random.choice(self._running)
        victim.kill()
        victim.wait()
        self._running.remove(victim)

    def kill_all(self) -> None:
        for process in self._running:
            process.kill()
            process.wait()

    def stop_all(self) -> list[int]:
        for process in self._running:
            process.terminate()
        return [process.wait(30) for process in self._running]


@contextmanager
def shop(folder: Path) -> Iterator[PostgresServer]:
    """A durable, migrated database with numbers that wait."""
    with started(PostgresServer(folder / "postgres", durable=True)) as server:
        with migrator_of(server.environment()) as migrator:
            migrator.up()
        people = [uuid.uuid4() for _ in range(PEOPLE)]
        payloads = range(10_000_000, 10_000_000 + NUMBERS)
        numbers = [f"{payload}{check_digit(str(payload))}" for payload in payloads]
        owners = [people[place % PEOPLE] for place in range(NUMBERS)]
        with connection(server) as admin:
            admin.execute(_ADD, [numbers, owners])
        yield server


@contextmanager
def connection(server: PostgresServer) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(server.admin_dsn(), autocommit=True) as opened:
        yield opened


@pytest.mark.timeout(SECONDS * 3 + 300)
def test_every_number_is_credited_once_whatever_dies(tmp_path: Path) -> None:
    random = Random(SEED)  # noqa: S311 - repeatable on purpose
    system = UnreliableAccrual(SEED)
    system.start()
    with shop(tmp_path) as server, ExitStack() as stack:
        stack.callback(system.stop)
        address = f"http://127.0.0.1:{system.port}"
        environ = {**server.environment(), "LOYALTY_ACCRUAL_ADDRESS": address}
        pollers = Pollers(environ, tmp_path)
        stack.callback(pollers.kill_all)
        for _ in range(POLLERS):
            pollers.start_one()
        eventually(lambda: system.said.total() > 0, 60, "the pollers ask")
        faults = break_things(server, pollers, system, random)
        eventually(lambda: not left(server), 150, "every number is finished")
        assert pollers.stop_all() == [0] * POLLERS
        judge(server)
        print(f"seed {SEED}: {faults}, {dict(system.said)}, {system.late} late")  # noqa: T201
        # Each thread may have passed the gate just before it closed, on a machine that is busy.
        assert system.late <= system.closings * POLLERS * THREADS


def break_things(
    server: PostgresServer, pollers: Pollers, system: UnreliableAccrual, random: Random
) -> Counter[str]:
    """Kill one part after another until the time is up; return how often."""
    faults = Counter[str]()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        time.sleep(random.uniform(0.3, 2.0))  # how long a fault lets them work is the schedule
        fault = random.choice(["poller", "postgres", "accrual"])
        faults[fault] += 1
        if fault == "poller":
            pollers.kill_one(random)
            pollers.start_one()
        elif fault == "postgres":
            server.kill()
            server.start()
            hurry(server)
        else:
            system.stop()
            time.sleep(random.uniform(0, 1))
            system.start()
    return faults


def hurry(server: PostgresServer) -> None:
    with connection(server) as admin:
        admin.execute(_HURRY)


def left(server: PostgresServer) -> int:
    """How many numbers are not finished; lets those be due that wait."""
    hurry(server)
    time.sleep(0.5)  # what is due is asked about meanwhile
    with connection(server) as admin:
        row = admin.execute(_OPEN).fetchone()
        return int(row[0]) if row else 0


def judge(server: PostgresServer) -> None:
    """Fail unless every number has its outcome, and every point was credited once."""
    with connection(server) as admin:
        orders = admin.execute(_ORDERS).fetchall()
        credited = {number: (count, amount) for number, count, amount in admin.execute(_CREDITS)}
        balances = dict(
            admin.execute(
                "SELECT owner, credited - debited FROM loyalty.balances WHERE account = 'available'"
            ).fetchall()
        )
        assert not any(step.differences for step in check_balances(run_of(admin), "loyalty"))
    assert len(orders) == NUMBERS
    expected = Counter[uuid.UUID]()
    for number, owner, status, accrual in orders:
        points = truth_of(number).points
        assert status == ("INVALID" if points is None else "PROCESSED")
        assert accrual == (points or 0)
        assert credited.get(number) == ((1, points) if points else None)
        expected[owner] += points or 0
    assert balances == {owner: points for owner, points in expected.items() if points}
