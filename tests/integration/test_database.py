"""What all who use the pool rely on: isolation, one kind of errors, repeated transactions."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, LiteralString

import psycopg
import pytest
from prometheus_client import CollectorRegistry

from order_service.embedded.postgres import PostgresServer
from order_service.infra.postgres.database import Database, Isolation, Settings, Transaction
from order_service.infra.postgres.faults import ConflictError, UnavailableError
from order_service.infra.postgres.sql import Query
from order_service.metrics import BackendMetrics
from tests.backends import Environ, free_port

Admin = psycopg.Connection[Any]
Ask = Callable[[Database, Query], object]

LEVEL = "SHOW transaction_isolation"
DIES = "SELECT pg_terminate_backend(pg_backend_pid())"


def query(text: LiteralString) -> Query:
    return Query("test", text)


def settings(conninfo: str, isolation: Isolation = "read committed") -> Settings:
    return Settings(conninfo, 0, 4, checkout_timeout=5.0, call_timeout=20.0, isolation=isolation)


@pytest.fixture
def conninfo(empty_database: Environ, postgres_server: PostgresServer) -> str:
    """How the superuser reaches a database of the test's own."""
    return postgres_server.admin_dsn(empty_database["POSTGRES_DB"])


@pytest.fixture
def admin(conninfo: str) -> Iterator[Admin]:
    """A connection besides the pool; there is one counter, at 0."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("CREATE TABLE counters (id int PRIMARY KEY, value int NOT NULL)")
        connection.execute("INSERT INTO counters VALUES (1, 0)")
        yield connection


@pytest.fixture
def conflicts() -> list[int]:
    """What the database was given to wait after conflicts, in its order."""
    return []


@pytest.fixture
def database(admin: Admin, conninfo: str, conflicts: list[int]) -> Iterator[Database]:
    """A pool with repeatable read that does not wait after conflicts."""
    assert not admin.closed
    limits = settings(conninfo, "repeatable read")
    with closing(
        Database(limits, BackendMetrics(CollectorRegistry()), on_conflict=conflicts.append)
    ) as opened:
        opened.open()
        yield opened


def in_transaction(database: Database, statement: Query) -> list[Any]:
    with database.transaction("test") as transaction:
        return transaction.execute(statement)


def by_run(database: Database, statement: Query) -> list[Any]:
    return database.run("test", lambda transaction: transaction.execute(statement))


every_way = pytest.mark.parametrize(
    "ask", [Database.read, Database.write, in_transaction, by_run], ids=lambda ask: ask.__name__
)


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])
def test_the_opener_chooses_the_isolation_of_all_transactions(
    conninfo: str, isolation: Isolation
) -> None:
    with closing(
        Database(settings(conninfo, isolation), BackendMetrics(CollectorRegistry()))
    ) as opened:
        opened.open()
        for ask in (Database.read, Database.write, in_transaction, by_run):
            assert ask(opened, query(LEVEL)) == [(isolation,)]


def test_it_is_read_committed_unless_somebody_chooses(conninfo: str) -> None:
    limits = Settings(conninfo, 0, 1, checkout_timeout=5.0, call_timeout=20.0)
    with closing(Database(limits, BackendMetrics(CollectorRegistry()))) as opened:
        opened.open()
        assert opened.read(query(LEVEL)) == [("read committed",)]


@every_way
def test_a_statement_that_is_wrong_is_told_as_the_driver_tells_it(
    database: Database, ask: Ask
) -> None:
    for _ in range(3):  # it does not count as an outage
        with pytest.raises(psycopg.errors.UndefinedTable):
            ask(database, query("SELECT * FROM nowhere"))
        with pytest.raises(psycopg.errors.DivisionByZero):
            ask(database, query("SELECT 1 / 0"))


@every_way
def test_a_statement_without_a_result_has_no_rows(database: Database, ask: Ask) -> None:
    assert ask(database, query("UPDATE counters SET value = value")) == []


@every_way
def test_no_time_is_a_transient_fault_without_effect(database: Database, ask: Ask) -> None:
    with pytest.raises(UnavailableError) as caught:
        ask(database, query("DO $$ BEGIN RAISE SQLSTATE '57014'; END $$"))
    assert not caught.value.outcome_unknown
    assert not isinstance(caught.value, ConflictError)


@every_way
def test_no_connection_is_a_transient_fault_without_effect(ask: Ask) -> None:
    nowhere = f"host=127.0.0.1 port={free_port()} dbname=x user=x connect_timeout=2"
    limits = settings(nowhere)._replace(checkout_timeout=0.1)
    with closing(Database(limits, BackendMetrics(CollectorRegistry()))) as opened:
        opened.open()
        with pytest.raises(UnavailableError) as caught:
            ask(opened, query("SELECT 1"))
    assert not caught.value.outcome_unknown


def test_a_write_whose_connection_breaks_may_have_taken_effect(database: Database) -> None:
    with pytest.raises(UnavailableError) as caught:
        database.write(query(DIES))
    assert caught.value.outcome_unknown
    assert database.write(query("SELECT 1")) == [(1,)]


@pytest.mark.parametrize("ask", [in_transaction, by_run])
def test_a_transaction_whose_connection_breaks_before_the_commit_has_not(
    database: Database, ask: Ask
) -> None:
    with pytest.raises(UnavailableError) as caught:
        ask(database, query(DIES))
    assert not caught.value.outcome_unknown


@pytest.mark.parametrize("ask", [in_transaction, by_run])
def test_a_transaction_whose_connection_breaks_in_the_commit_may_have(
    database: Database, admin: Admin, ask: Ask
) -> None:
    admin.execute(
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'"
    )
    admin.execute(
        "CREATE CONSTRAINT TRIGGER die AFTER UPDATE ON counters"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()"
    )
    with pytest.raises(UnavailableError) as caught:
        ask(database, query("UPDATE counters SET value = 1"))
    assert caught.value.outcome_unknown


def test_all_stale_connections_cost_one_read_nothing(database: Database, admin: Admin) -> None:
    barrier = threading.Barrier(4)
    threads = [threading.Thread(target=hold, args=(database, barrier)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    assert admin.execute(f"SELECT count(*) {others}".encode()).fetchone() == (4,)
    admin.execute(f"SELECT pg_terminate_backend(pid, 5000) {others} AND state = 'idle'".encode())
    assert database.read(query("SELECT 1")) == [(1,)]


def hold(database: Database, barrier: threading.Barrier) -> None:
    """Use a connection at the same time as others do."""
    with database.transaction("test") as transaction:
        transaction.execute(query("SELECT 1"))
        barrier.wait(10)


def test_work_that_somebody_came_in_between_is_done_again_on_what_is_there_then(
    database: Database, admin: Admin, conflicts: list[int]
) -> None:
    def add(transaction: Transaction) -> int:
        [(value,)] = transaction.execute(query("SELECT value FROM counters"))
        if value == 0:
            admin.execute("UPDATE counters SET value = 10")
        change = query("UPDATE counters SET value = %(value)s RETURNING value")
        [(stored,)] = transaction.execute(change, {"value": value + 1})
        return int(stored)

    assert database.run("test", add) == 11
    assert conflicts == [0]
    assert admin.execute("SELECT value FROM counters").fetchone() == (11,)


@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_work_that_meets_others_each_time_is_given_up(
    database: Database, conflicts: list[int], state: str
) -> None:
    calls = []

    def work(transaction: Transaction) -> None:
        calls.append(transaction)
        raised = query("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$")
        transaction.execute(raised._replace(text=raised.text.replace("40001", state)))

    with pytest.raises(ConflictError) as caught:
        database.run("test", work)
    assert not caught.value.outcome_unknown
    assert conflicts == list(range(len(calls) - 1))
    assert 3 <= len(calls) <= 10


def test_work_that_fails_otherwise_is_undone_and_not_repeated(
    database: Database, admin: Admin, conflicts: list[int]
) -> None:
    def work(transaction: Transaction) -> None:
        transaction.execute(query("UPDATE counters SET value = 5"))
        raise LookupError

    with pytest.raises(LookupError):
        database.run("test", work)
    assert conflicts == []
    assert admin.execute("SELECT value FROM counters").fetchone() == (0,)


def test_nothing_is_lost_when_many_count_at_the_same_time(database: Database, admin: Admin) -> None:
    def add(transaction: Transaction) -> None:
        [(value,)] = transaction.execute(query("SELECT value FROM counters"))
        change = query("UPDATE counters SET value = %(value)s")
        transaction.execute(change, {"value": value + 1})

    done = []

    def count() -> None:
        for _ in range(25):
            try:
                database.run("test", add)
            except ConflictError:
                continue
            done.append(1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done
    assert admin.execute("SELECT value FROM counters").fetchone() == (len(done),)
