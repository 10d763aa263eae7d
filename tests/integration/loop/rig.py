"""Two connections in an event loop, on a real server, for tests of what becomes of statements."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import closing
from typing import Any, LiteralString

import psycopg
from prometheus_client import CollectorRegistry

from order_service.infra.postgres.database import Database, Settings
from order_service.infra.postgres.loop_queries import LoopQueries, Values
from order_service.infra.postgres.sql import Query, Statement
from order_service.metrics import BackendMetrics
from tests.loops import run

Answer = Sequence[Values] | psycopg.Error


def statement(name: str, text: LiteralString) -> Statement:
    return Statement(name, Query("asked", text))


ECHO = statement("echo", "SELECT $1::text, NULL, length($1)")
SLEEP = statement("sleep", "SELECT pg_sleep($1::float8)")
DIVIDE = statement("divide", "SELECT 1 / $1::int")
MANY = statement("many", "SELECT repeat('x', 1000) FROM generate_series(1, $1::int)")
DIE = statement("die", "SELECT pg_terminate_backend(pg_backend_pid()) WHERE $1 = ''")
STATEMENTS = [ECHO, SLEEP, DIVIDE, MANY, DIE]


class Rig:
    """Two connections in an event loop.

    Attributes:
        told: The answers, in the order in which they came.
    """

    def __init__(self, database: Database, more: Sequence[Statement] = ()) -> None:
        self.database = database
        self.queries = LoopQueries(database, [*STATEMENTS, *more], 2)
        self.told: list[Answer] = []

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.005)

    async def connected(self) -> None:
        await self.until(lambda: self.queries.ready() and self.queries.free == 2)

    def begin(self, asked: Statement, parameter: str) -> None:
        self.queries.begin(asked, [parameter], self.told.append)

    async def answer(self, asked: Statement, parameter: str) -> Answer:
        """Ask when the others are answered, and return the answer."""
        before = len(self.told)
        self.begin(asked, parameter)
        await self.until(lambda: len(self.told) > before)
        return self.told[-1]


def in_loop(
    conninfo: str,
    test: Callable[[Rig], Coroutine[Any, Any, None]],
    *,
    call_timeout: float = 20.0,
    more: Sequence[Statement] = (),
    session: Mapping[str, str] | None = None,
) -> None:
    """Run a test with a pool of four connections."""
    limits = Settings(
        conninfo, 0, 4, checkout_timeout=5.0, call_timeout=call_timeout, session=session or {}
    )
    with closing(Database(limits, BackendMetrics(CollectorRegistry()))) as database:
        database.open()
        rig = Rig(database, more)

        async def whole() -> None:
            assert not rig.queries.ready()
            await rig.connected()
            await test(rig)

        run(whole)
        rig.queries.close()
