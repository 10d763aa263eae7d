"""Statements in an event loop, on a real server: answered, or not, whatever becomes of it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from typing import Any, LiteralString

import psycopg
import pytest
from prometheus_client import CollectorRegistry

from order_service.embedded.postgres import PostgresServer
from order_service.infra.postgres import loop_queries
from order_service.infra.postgres.database import Database, Settings
from order_service.infra.postgres.loop_queries import LateError, LoopQueries, Values
from order_service.infra.postgres.sql import Query, Statement
from order_service.metrics import BackendMetrics
from tests.backends import Environ, free_port
from tests.chaos.proxy import TcpProxy
from tests.loops import run
from tests.waiting import eventually

Answer = Sequence[Values] | psycopg.Error


def statement(name: str, text: LiteralString) -> Statement:
    return Statement(name, Query("asked", text))


ECHO = statement("echo", "SELECT $1::text, NULL, length($1)")
SLEEP = statement("sleep", "SELECT pg_sleep($1::float8)")
DIVIDE = statement("divide", "SELECT 1 / $1::int")
MANY = statement("many", "SELECT repeat('x', 1000) FROM generate_series(1, $1::int)")
DIE = statement("die", "SELECT pg_terminate_backend(pg_backend_pid()) WHERE $1 = ''")
STATEMENTS = [ECHO, SLEEP, DIVIDE, MANY, DIE]
OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@pytest.fixture
def conninfo(empty_database: Environ, postgres_server: PostgresServer) -> str:
    return postgres_server.admin_dsn(empty_database["POSTGRES_DB"])


@pytest.fixture
def admin(conninfo: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        yield connection


@pytest.fixture
def proxy(postgres_server: PostgresServer) -> Iterator[TcpProxy]:
    with TcpProxy(lambda: postgres_server.port) as opened:
        yield opened


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


def test_each_answer_is_that_of_its_question(conninfo: str) -> None:
    async def test(rig: Rig) -> None:
        assert await rig.answer(ECHO, "größe") == [["größe".encode(), None, b"5"]]
        assert await rig.answer(ECHO, "") == [[b"", None, b"0"]]
        rig.begin(SLEEP, "0.1")
        rig.begin(ECHO, "meanwhile")
        assert rig.queries.free == 0
        await rig.until(lambda: len(rig.told) == 4)
        assert rig.told[2:] == [[[b"meanwhile", None, b"9"]], [[b""]]]
        assert rig.queries.free == 2

    in_loop(conninfo, test)


def test_large_questions_and_answers_are_no_trouble(conninfo: str) -> None:
    async def test(rig: Rig) -> None:
        large = "x" * 20_000_000  # far more than a socket holds
        [row] = await rig.answer(ECHO, large)  # type: ignore[misc]
        assert row == [large.encode(), None, b"20000000"]
        rows = await rig.answer(MANY, "20000")
        assert rows == [[b"x" * 1000]] * 20_000

    in_loop(conninfo, test)


def test_what_the_server_refuses_is_told_and_the_connection_goes_on(conninfo: str) -> None:
    async def test(rig: Rig) -> None:
        for _ in range(3):
            error = await rig.answer(DIVIDE, "0")
            assert isinstance(error, psycopg.DatabaseError)
            assert "division by zero" in str(error)
        assert rig.queries.free == 2
        assert await rig.answer(DIVIDE, "1") == [[b"1"]]

    in_loop(conninfo, test)


def test_a_refusal_that_took_long_is_no_answer_in_time(
    conninfo: str, admin: psycopg.Connection[Any]
) -> None:
    """As where a migration holds the table: another try would wait as long."""
    admin.execute("CREATE TABLE held (id int)")
    counted = statement("counted", "SELECT count(*) FROM held WHERE $1 = ''")

    async def test(rig: Rig) -> None:
        with admin.transaction():
            admin.execute("LOCK TABLE held")
            answer = await rig.answer(counted, "")
        assert isinstance(answer, LateError)
        assert not rig.database.well

    in_loop(conninfo, test, more=[counted], session={"lock_timeout": "600"})


def test_what_a_migration_made_of_a_column_is_prepared_anew(
    conninfo: str, admin: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_queries, "_REST", 0.01)
    admin.execute("CREATE TABLE changed (id) AS SELECT 7")
    everything = statement("everything", "SELECT * FROM changed WHERE $1 = ''")
    query = Query("test", "SELECT * FROM changed")

    async def test(rig: Rig) -> None:
        assert await rig.answer(everything, "") == [[b"7"]]
        assert rig.database.read(query) == [(7,)]
        admin.execute("ALTER TABLE changed ALTER COLUMN id TYPE text")
        for _ in range(2):
            assert isinstance(await rig.answer(everything, ""), psycopg.Error)
        await rig.connected()
        assert await rig.answer(everything, "") == [[b"7"]]
        # By threads, too: the first that meets an old session has all of them replaced.
        with suppress(psycopg.errors.FeatureNotSupported):
            rig.database.read(query)
        assert [rig.database.read(query) for _ in range(5)] == [[("7",)]] * 5

    in_loop(conninfo, test, more=[everything])


@pytest.mark.parametrize("at", ["then", "rows", "told"])
def test_an_error_of_ours_costs_one_answer_and_no_connection(
    conninfo: str, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("ours")

    async def test(rig: Rig) -> None:
        with monkeypatch.context() as patched:
            if at == "rows":
                patched.setattr(loop_queries, "_rows", fail)
                assert isinstance(await rig.answer(ECHO, "a"), psycopg.DataError)
            elif at == "told":
                patched.setattr(rig.database, "told", fail)
                assert await rig.answer(ECHO, "a") == [[b"a", None, b"1"]]
            else:
                rig.queries.begin(ECHO, ["a"], fail)
                await rig.until(lambda: rig.queries.free == 2)
        await rig.until(lambda: rig.queries.free == 2)
        assert await rig.answer(ECHO, "b") == [[b"b", None, b"1"]]

    in_loop(conninfo, test)


def test_without_a_thread_to_connect_it_tries_again_later(
    conninfo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_queries, "_REST", 0.01)

    def fail(_: object) -> None:
        raise RuntimeError("can't start new thread")

    async def test(rig: Rig) -> None:
        another = Rig(rig.database)
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", fail)
            assert not another.queries.ready()
        await another.connected()
        assert await another.answer(ECHO, "a") == [[b"a", None, b"1"]]
        another.queries.close()

    in_loop(conninfo, test)


def test_a_connection_that_comes_when_all_is_over_goes_back(
    conninfo: str, admin: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    coming, over = threading.Event(), threading.Event()

    async def test(rig: Rig) -> None:
        another = Rig(rig.database)
        lend = rig.database.lend

        def late(statements: Sequence[Statement]) -> Any:  # noqa: ANN401 - the pool's
            connection = lend(statements)
            coming.set()
            assert over.wait(20)
            return connection

        monkeypatch.setattr(rig.database, "lend", late)
        assert not another.queries.ready()
        assert await asyncio.to_thread(coming.wait, 20)
        another.queries.close()
        over.set()
        await asyncio.sleep(0.1)

    in_loop(conninfo, test)
    sessions = f"SELECT pid {OTHERS}".encode()
    eventually(lambda: not list(admin.execute(sessions)), 10, "the sessions have ended")


@pytest.mark.parametrize("busy", [True, False], ids=["busy", "idle"])
def test_connections_that_are_lost_are_told_of_and_made_anew(
    conninfo: str, admin: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch, *, busy: bool
) -> None:
    monkeypatch.setattr(loop_queries, "_REST", 0.01)

    async def test(rig: Rig) -> None:
        if busy:
            rig.begin(SLEEP, "60")
            rig.begin(SLEEP, "60")
            await asyncio.sleep(0.05)
        admin.execute(f"SELECT pg_terminate_backend(pid, 5000) {OTHERS}".encode())
        await rig.until(lambda: rig.queries.free == 0 and len(rig.told) == (2 if busy else 0))
        assert not any(isinstance(error, LateError) for error in rig.told)
        assert all(isinstance(error, psycopg.Error) for error in rig.told)
        assert rig.database.well
        await rig.connected()
        assert await rig.answer(ECHO, "again") == [[b"again", None, b"5"]]

    in_loop(conninfo, test)


def test_a_session_that_ends_with_its_answer_is_lost_after_it(conninfo: str) -> None:
    async def test(rig: Rig) -> None:
        error = await rig.answer(DIE, "")
        assert isinstance(error, psycopg.Error)
        assert await rig.answer(ECHO, "the other one") == [[b"the other one", None, b"13"]]

    in_loop(conninfo, test)


def test_who_waits_for_too_long_is_told_and_the_database_is_left_alone(
    conninfo: str, proxy: TcpProxy
) -> None:
    there = f"{conninfo} host=127.0.0.1 port={proxy.port}"

    async def test(rig: Rig) -> None:
        loop = asyncio.get_running_loop()
        proxy.hang()
        began = loop.time()
        rig.begin(ECHO, "a")
        await asyncio.sleep(0.15)
        rig.begin(ECHO, "b")
        await rig.until(lambda: len(rig.told) == 1)
        assert 0.29 <= loop.time() - began < 5
        await rig.until(lambda: len(rig.told) == 2)
        assert loop.time() - began >= 0.44
        assert [type(error) for error in rig.told] == [LateError] * 2
        assert not rig.database.well
        assert not rig.queries.ready()
        proxy.heal()

    in_loop(there, test, call_timeout=0.3)


def test_a_server_that_is_away_is_not_asked_for_a_connection_all_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nowhere = f"host=127.0.0.1 port={free_port()} dbname=x user=x connect_timeout=2"
    limits = Settings(nowhere, 0, 4, checkout_timeout=0.05, call_timeout=1.0)
    tries = 0

    async def test(database: Database) -> None:
        queries = LoopQueries(database, STATEMENTS, 2)
        lend = database.lend

        def counted(statements: Sequence[Statement]) -> Any:  # noqa: ANN401 - the pool's
            nonlocal tries
            tries += 1
            return lend(statements)

        monkeypatch.setattr(database, "lend", counted)
        for _ in range(50):
            assert not queries.ready()
            await asyncio.sleep(0.01)
        queries.close()

    with closing(Database(limits, BackendMetrics(CollectorRegistry()))) as database:
        database.open()
        run(lambda: test(database))
    assert tries == 1


def test_a_connection_that_hangs_while_it_is_made_ready_is_given_up(
    conninfo: str, proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = f"{conninfo} host=127.0.0.1 port={proxy.port}"
    limits = Settings(there, 2, 4, checkout_timeout=5.0, call_timeout=0.3)
    monkeypatch.setattr(loop_queries, "_REST", 0.01)

    async def test(database: Database) -> None:
        rig = Rig(database)
        database.read(Query("test", "SELECT 1"))
        proxy.hang()
        assert not rig.queries.ready()
        await asyncio.sleep(1.0)
        proxy.heal()
        await rig.connected()
        assert await rig.answer(ECHO, "a") == [[b"a", None, b"1"]]
        rig.queries.close()

    with closing(Database(limits, BackendMetrics(CollectorRegistry()))) as database:
        database.open()
        run(lambda: test(database))


def test_connections_count_as_the_pools_and_are_replaced_when_they_are_old(
    conninfo: str, admin: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_queries, "_REST", 0.01)
    monkeypatch.setattr(loop_queries, "_LIFETIME", 0.0)

    def sessions() -> set[int]:
        return {pid for (pid,) in admin.execute(f"SELECT pid {OTHERS}".encode())}

    async def test(rig: Rig) -> None:
        before = sessions()
        assert len(before) == 2
        # The pool lends the same ones again: what is prepared there already is no fault.
        for letter in "abcdefghij":
            assert await rig.answer(ECHO, letter) == [[letter.encode(), None, b"1"]]
            assert rig.queries.free == 1
            await rig.connected()
        assert sessions() == before

    in_loop(conninfo, test)


def test_at_the_end_nothing_is_left(
    conninfo: str, admin: psycopg.Connection[Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def test(rig: Rig) -> None:
        await rig.answer(ECHO, "a")

    in_loop(conninfo, test)
    sessions = f"SELECT pid {OTHERS}".encode()
    eventually(lambda: not list(admin.execute(sessions)), 10, "the sessions have ended")
    assert caplog.records == []
