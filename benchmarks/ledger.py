"""Points: withdrawals and balances, against bare statements, and with a long history."""

import uuid
from collections.abc import Callable, Sequence
from itertools import count
from statistics import median
from time import perf_counter

import psycopg

from benchmarks import command
from benchmarks.harness import Goal, Row, Scale, alternate, at_most
from benchmarks.points import THREADS, process_of, running_database, settled
from benchmarks.points import rate as rate_of
from order_service.contexts.loyalty.model import Kind, Movement
from order_service.contexts.loyalty.points_postgres import PostgresPoints
from order_service.infra.postgres.database import Database
from order_service.infra.postgres.sql import Query

_HISTORY_GOAL = 1_000_000
_PLENTY = 10**14
_PEOPLE = 2_000
_READS = 300

_BARE = (
    Query("bare_update", "UPDATE bench.bare SET points = points - 1 WHERE owner = %(owner)s"),
    Query("bare_insert", "INSERT INTO bench.moved (owner, points) VALUES (%(owner)s, 1)"),
)
_PREPARE = """
    CREATE SCHEMA bench;
    CREATE TABLE bench.bare (owner uuid PRIMARY KEY, points bigint NOT NULL);
    CREATE TABLE bench.moved (id bigserial PRIMARY KEY, owner uuid, points bigint);
    GRANT ALL ON SCHEMA bench TO PUBLIC;
    GRANT ALL ON ALL TABLES IN SCHEMA bench TO PUBLIC;
    GRANT ALL ON ALL SEQUENCES IN SCHEMA bench TO PUBLIC;
"""
_HISTORY = """
    INSERT INTO loyalty.entries (
        owner, transfer, leg, kind, source, target, amount,
        source_balance, target_balance, target_credited
    )
    SELECT %(owner)s, gen_random_uuid(), 1, 'credit', 'outside', 'available', 1, -n, n, n
    FROM generate_series(1, %(entries)s) AS n
"""


def run(scale: Scale) -> Sequence[Row]:
    """Measure."""
    with running_database() as (server, environ), process_of(environ) as process:
        database = process.database(THREADS * 2)
        people = [uuid.uuid4() for _ in range(_PEOPLE)]
        with psycopg.connect(server.admin_dsn(), autocommit=True) as admin:
            admin.execute(_PREPARE)
            for owner in people:
                admin.execute("INSERT INTO bench.bare VALUES (%s, %s)", [owner, _PLENTY])
        points = PostgresPoints(database)
        for owner in people:
            points.move(Movement(uuid.uuid4(), owner, Kind.CREDIT, _PLENTY))
        settled(server)
        rows = [
            _withdrawals(points, database, people, scale, "of different people", 1000),
            _withdrawals(points, database, people[:1], scale, "of one person", 300),
            _balances(points, people, scale),
        ]
        entries = min(scale.stored * 10 // 3, _HISTORY_GOAL)
        with psycopg.connect(server.admin_dsn(), autocommit=True) as admin:
            admin.execute(_HISTORY, {"owner": people[0], "entries": entries})
        settled(server)
        return [*rows, _history(points, people, scale, entries)]


def _each(people: Sequence[uuid.UUID]) -> Callable[[], uuid.UUID]:
    numbers = count()
    return lambda: people[next(numbers) % len(people)]


def _withdrawals(  # noqa: PLR0913, PLR0917 - what a row is about
    points: PostgresPoints,
    database: Database,
    people: Sequence[uuid.UUID],
    scale: Scale,
    whose: str,
    goal: float,
) -> Row:
    owner_of = _each(people)

    def withdraw(_: int) -> None:
        points.move(Movement(uuid.uuid4(), owner_of(), Kind.WITHDRAWAL, 1, "18"))

    def bare(_: int) -> None:
        values = {"owner": owner_of()}
        with database.transaction("bare") as transaction:
            for query in _BARE:
                transaction.execute(query, values)

    ours, theirs = alternate(
        lambda: rate_of(withdraw, scale.seconds),
        lambda: rate_of(bare, scale.seconds),
        scale.pairs,
    )
    return Row(
        f"Withdrawals of points {whose}",
        "",
        Goal(goal, at_least=True, unit="withdrawals/s"),
        ours,
        (),
        "withdrawals/s",
        f"{THREADS} threads in one process, a durable Postgres, {len(people):,} accounts. In turns "
        "with it, a bare UPDATE and INSERT in a transaction (no check, no history of balances, no "
        f"ids) came to {median(theirs):,.0f} a second.",
    )


def _balances(points: PostgresPoints, people: Sequence[uuid.UUID], scale: Scale) -> Row:
    owner_of = _each(people)
    rates = [
        rate_of(lambda _: points.balance(owner_of()), scale.seconds) for _ in range(scale.pairs)
    ]
    goal = Goal(4000, at_least=True, unit="reads/s")
    conditions = f"{THREADS} threads in one process; without HTTP."
    return Row("Reads of a balance", "", goal, rates, (), "reads/s", conditions)


def _history(
    points: PostgresPoints, people: Sequence[uuid.UUID], scale: Scale, entries: int
) -> Row:
    """Compare somebody with a long history with somebody who has one entry."""

    def cost(owner: uuid.UUID) -> float:
        """Return the microseconds of a withdrawal and a balance."""
        taken = []
        for _ in range(_READS):
            began = perf_counter()
            points.move(Movement(uuid.uuid4(), owner, Kind.WITHDRAWAL, 1, "18"))
            points.balance(owner)
            taken.append(perf_counter() - began)
        return median(taken) * 1e6

    ours, theirs = alternate(lambda: cost(people[0]), lambda: cost(people[1]), scale.pairs)
    return Row(
        f"A withdrawal and a balance of somebody with {entries:,} entries",
        "the same of somebody with few",
        at_most(1.2),
        ours,
        theirs,
        "µs",
        "One thread, the median of 300 each.",
        reduced=entries < _HISTORY_GOAL,
    )


if __name__ == "__main__":
    command.main(run, __doc__)
