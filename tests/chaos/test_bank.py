"""Many processes move points while they and Postgres are killed: nothing is lost, nothing twice.

`make chaos` lets it run longer; the seed in a failure repeats its faults in turn.
"""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

import psycopg
import pytest
from psycopg import sql

from order_service.embedded.postgres import PostgresServer
from order_service.ledger.checking import check_balances
from order_service.ledger.postings import PostgresLedger
from tests.backends import process_environ
from tests.builders import ROOT
from tests.chaos.bank_teller import AVAILABLE, owner_of
from tests.ledgers import Schema, create_ledger, credit, run_of
from tests.servers import started

SEED = int(os.environ.get("CHAOS_SEED") or 12)
MINUTES = float(os.environ.get("CHAOS_MINUTES") or 0)
SECONDS = MINUTES * 60 or 20.0
TELLERS, ACCOUNTS, EACH = 4, 6, 2_000


class Tellers:
    """The processes, and the journals that they leave behind."""

    def __init__(self, dsn: str, schema: Schema, folder: Path) -> None:
        self._dsn = dsn
        self._schema = schema
        self._folder = folder
        self._running: list[subprocess.Popen[bytes]] = []
        self.started = 0

    def hire(self) -> None:
        self.started += 1
        journal = self._folder / f"{self.started}.journal"
        arguments = [self._dsn, self._schema.name, str(ACCOUNTS), str(self.started), str(journal)]
        with (self._folder / "errors.log").open("ab") as errors:
            command = [sys.executable, "-m", "tests.chaos.bank_teller", *arguments]
            environ = process_environ({})
            process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=errors)
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

    def none_failed(self) -> bool:
        return all(process.poll() is None for process in self._running)

    @property
    def errors(self) -> str:
        return (self._folder / "errors.log").read_text()

    def acknowledged(self) -> dict[str, set[str]]:
        """Every key that was acknowledged, with all answers that it got."""
        answers: dict[str, set[str]] = {}
        for journal in self._folder.glob("*.journal"):
            # A process that was killed may have left half a line.
            for line in journal.read_text().split("\n")[:-1]:
                key, answer = line.split()
                answers.setdefault(key, set()).add(answer)
        return answers


@contextmanager
def bank(folder: Path) -> Iterator[tuple[PostgresServer, Schema]]:
    """A durable server with a ledger, and points on every account."""
    with (
        started(PostgresServer(folder / "postgres", durable=True)) as server,
        psycopg.connect(server.admin_dsn(), autocommit=True) as admin,
    ):
        schema = create_ledger(admin, "postgres")
        for number in range(ACCOUNTS):
            PostgresLedger(schema.name).post(run_of(admin), credit(owner_of(number), EACH))
        yield server, schema


@pytest.mark.timeout(SECONDS * 3 + 240)
def test_points_are_conserved_and_every_acknowledged_command_is_there_once(
    tmp_path: Path,
) -> None:
    random = Random(SEED)  # noqa: S311 - repeatable on purpose
    with bank(tmp_path) as (server, schema), ExitStack() as stack:
        tellers = Tellers(server.admin_dsn(), schema, tmp_path)
        stack.callback(tellers.kill_all)
        for _ in range(TELLERS):
            tellers.hire()
        faults = break_things(server, tellers, random)
        time.sleep(2)  # a quiet while after the last fault
        assert tellers.none_failed(), tellers.errors
        tellers.kill_all()
        judge(server, schema, tellers, faults)


def break_things(server: PostgresServer, tellers: Tellers, random: Random) -> Counter[str]:
    """Kill processes and the server until the time is up; return how often."""
    faults = Counter[str]()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        time.sleep(random.uniform(0.5, 2.5))  # how long a fault lets them work is the schedule
        assert tellers.none_failed(), tellers.errors
        if random.random() < 0.5:
            faults["postgres"] += 1
            server.kill()
            time.sleep(random.uniform(0, 1))
            server.start()
        else:
            faults["teller"] += 1
            tellers.kill_one(random)
            tellers.hire()
    return faults


def judge(server: PostgresServer, schema: Schema, tellers: Tellers, faults: Counter[str]) -> None:
    """Fail unless the ledger is whole and holds what was acknowledged, each once."""
    with psycopg.connect(server.admin_dsn(), autocommit=True) as connection:
        run = run_of(connection)
        ledger = PostgresLedger(schema.name)
        left = [ledger.balances(run, owner_of(n))[AVAILABLE].amount for n in range(ACCOUNTS)]
        assert min(left) >= 0
        assert sum(left) == ACCOUNTS * EACH
        assert not any(step.differences for step in check_balances(run, schema.name))
        statement = sql.SQL(
            "SELECT reference, count(*), sum(CASE WHEN source = 'available' THEN amount END),"
            " sum(CASE WHEN target = 'available' THEN amount END)"
            " FROM {}.entries WHERE kind = 'move' GROUP BY reference"
        ).format(sql.Identifier(schema.name))
        moved = {key: tuple(sums) for key, *sums in connection.execute(statement)}
    assert all(legs == 2 and out == into for legs, out, into in moved.values())
    answers = tellers.acknowledged()
    print(f"seed {SEED}: {faults}, {len(answers)} commands acknowledged")  # noqa: T201
    assert all(len(different) == 1 for different in answers.values())
    done = {key for key, answer in answers.items() if answer == {"done"}}
    refused = {key for key, answer in answers.items() if answer == {"refused"}}
    assert done <= moved.keys()
    assert not refused & moved.keys()
    # Whoever was killed between the commit and the journal leaves one that nobody knows of.
    assert len(moved) - len(done) <= tellers.started
    assert len(answers) > 100
