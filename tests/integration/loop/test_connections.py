"""The connections of an event loop: lent by the pool, lost, made anew, given back."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import psycopg
import pytest
from prometheus_client import CollectorRegistry

from order_service.infra.postgres import loop_queries
from order_service.infra.postgres.database import Database, Settings
from order_service.infra.postgres.loop_queries import LateError, LoopQueries
from order_service.infra.postgres.sql import Query, Statement
from order_service.metrics import BackendMetrics
from tests.backends import free_port
from tests.chaos.proxy import TcpProxy
from tests.integration.loop.rig import DIE, ECHO, SLEEP, STATEMENTS, Rig, in_loop
from tests.loops import run
from tests.waiting import eventually

OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


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
