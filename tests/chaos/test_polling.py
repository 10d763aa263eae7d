"""Pollers, Postgres and the accrual system are killed at random: every number is credited once."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from order_service.embedded.postgres import PostgresServer
from tests.backends import Environ, free_port, migrator_of, process_environ
from tests.builders import ROOT
from tests.chaos.accrual_system import UnreliableAccrual
from tests.chaos.points_check import add_numbers, check_points
from tests.servers import started
from tests.waiting import eventually, listening

SEED = int(os.environ.get("CHAOS_SEED") or 12)
MINUTES = float(os.environ.get("CHAOS_MINUTES") or 0)
SECONDS = MINUTES * 60 or 20.0
NUMBERS, PEOPLE, POLLERS, THREADS = 3_000, 40, 3, 4

# Leases last half a minute and pauses grow to ten: time goes by faster here. A poller that still
# works on a number that is given to another one is what a lease guards against.
_HURRY = "UPDATE loyalty.orders SET due_at = now() WHERE due_at > now()"
_OPEN = "SELECT count(*) FROM loyalty.orders WHERE due_at IS NOT NULL"


class Pollers:
    """Processes that poll."""

    def __init__(self, environ: Environ, folder: Path) -> None:
        self._environ = process_environ(environ)
        self._folder = folder
        self._running: list[tuple[subprocess.Popen[bytes], int]] = []

    def start_one(self) -> None:
        port = free_port()
        environ = {**self._environ, "METRICS_WORKER_PORT": str(port)}
        with (self._folder / "pollers.log").open("ab") as log:
            command = [sys.executable, "-m", "order_service", "work", "loyalty-poller"]
            process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
        self._running.append((process, port))

    def kill_one(self, random: Random) -> None:
        victim = random.choice(self._running)
        victim[0].kill()
        victim[0].wait()
        self._running.remove(victim)

    def kill_all(self) -> None:
        for process, _ in self._running:
            process.kill()
            process.wait()

    def stop_all(self) -> list[int]:
        """End them with SIGTERM; their exit codes."""
        for process, port in self._running:
            # One that was just started may not have come as far as hearing signals.
            listening(port)
            process.terminate()
        return [process.wait(30) for process, _ in self._running]


@contextmanager
def shop(folder: Path) -> Iterator[PostgresServer]:
    """A durable, migrated database with numbers that wait."""
    with started(PostgresServer(folder / "postgres", durable=True)) as server:
        with migrator_of(server.environment()) as migrator:
            migrator.up()
        with connection(server) as admin:
            add_numbers(admin, NUMBERS, PEOPLE)
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
        with connection(server) as admin:
            check_points(admin, NUMBERS)
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
