"""Statements in an event loop: each gets its answer, or is told why there is none."""

import asyncio
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from order_service.infra.postgres import loop_queries
from order_service.infra.postgres.loop_queries import LateError
from order_service.infra.postgres.sql import Query
from tests.chaos.proxy import TcpProxy
from tests.integration.loop.rig import DIVIDE, ECHO, MANY, SLEEP, Rig, in_loop, statement


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
