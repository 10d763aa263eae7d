"""PgBouncer before Postgres: sessions of our own are right, shared ones are refused in words."""

import json
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from kafka import KafkaProducer
from psycopg.conninfo import make_conninfo

from order_service.embedded.server import KafkaServer
from order_service.infra.kafka.clients import Connection
from order_service.infra.postgres.faults import UnavailableError
from order_service.infra.postgres.own_session import OwnSession, SharedSessionError
from order_service.infra.postgres.session import Session
from order_service.infra.postgres.sql import Query
from order_service.messaging.outbox import Outbox
from order_service.messaging.outbox.admin import OutboxAdmin
from order_service.messaging.outbox.postgres_lease import PostgresLease
from tests.backends import Environ, NewTopic, connect, process_of, records_of, send
from tests.builders import as_json, order
from tests.e2e.api_process import Api
from tests.integration.relay_process import relaying
from tests.integration.service_process import command, consuming
from tests.messaging_tables import message, schema_in
from tests.pgbouncer import pooled
from tests.waiting import eventually

WAIT_S = 60.0

SHARING = [
    {"pool_mode": "transaction"},
    {"pool_mode": "statement"},
    {"pool_mode": "transaction", "server_reset_query_always": "1"},
    {"pool_mode": "session", "server_reset_query": ""},
]
SHARED = "a pooler in front of Postgres shares sessions between connections"


def conninfo_of(environ: Environ) -> str:
    with connect(environ, admin=False) as connection:
        return make_conninfo(connection.info.dsn, password=environ["POSTGRES_PASSWORD"])


def postgres_findings(environ: Environ) -> list[dict[str, str]]:
    """What the doctor says of Postgres."""
    found: Any = json.loads(command(environ, "doctor", "--json", "--no-stack").stdout)
    findings: list[dict[str, str]] = found["parts"]["postgres"]
    return findings


@pytest.mark.parametrize("settings", SHARING, ids=lambda each: " ".join(each.values()))
def test_a_shared_session_is_refused(
    tmp_path: Path, shared_database: Environ, settings: dict[str, str]
) -> None:
    with pooled(tmp_path, shared_database, **settings) as server:
        conninfo = conninfo_of(server.environment())
        with pytest.raises(SharedSessionError, match="pool_mode = session"):
            OwnSession.connect(conninfo)
        assert held_locks(shared_database) == 0


def held_locks(environ: Environ) -> int:
    """Advisory locks that sessions of the service's role hold."""
    query = """
        SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE locktype = 'advisory' AND usename = %s AND datname = %s
    """
    with connect(environ, admin=True) as admin:
        found = admin.execute(query, [environ["POSTGRES_USER"], environ["POSTGRES_DB"]]).fetchone()
    return int(found[0]) if found else 0


def test_a_shared_session_is_refused_also_among_others_at_work(
    tmp_path: Path, shared_database: Environ
) -> None:
    stop = threading.Event()

    def work(conninfo: str) -> None:
        with psycopg.connect(conninfo, autocommit=True, prepare_threshold=None) as connection:
            while not stop.is_set():
                connection.execute("SELECT pg_sleep(random() / 200)")

    with (
        pooled(
            tmp_path, shared_database, pool_mode="transaction", server_round_robin="1"
        ) as server,
        ThreadPoolExecutor(8) as threads,
    ):
        conninfo = conninfo_of(server.environment())
        others = [threads.submit(work, conninfo) for _ in range(8)]
        try:
            for _ in range(5):
                with pytest.raises(SharedSessionError):
                    OwnSession.connect(conninfo)
        finally:
            stop.set()
        assert [each.result(timeout=10) for each in others] == [None] * 8


def test_the_doctor_names_a_pooler_that_shares_sessions(
    tmp_path: Path, shared_database: Environ
) -> None:
    with pooled(tmp_path, shared_database, pool_mode="transaction") as server:
        found = postgres_findings(server.environment())[-1]
        assert (found["subject"], found["level"]) == ("session", "fault")
        assert SHARED in found["text"]
        assert "pool_mode = session" in found["remedy"]
        assert "postgres.host" in found["remedy"]


def test_the_doctor_knows_a_pooler_that_does_not(tmp_path: Path, shared_database: Environ) -> None:
    with pooled(tmp_path, shared_database, pool_mode="session") as server:
        pooled_levels = _levels(postgres_findings(server.environment()))
    # Whatever else there is to say of this database, it is the same behind a pooler.
    direct = _levels(postgres_findings(shared_database))
    assert "session" not in direct
    assert pooled_levels == {**direct, "session": "ok"}


def _levels(found: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    return {each["subject"]: each["level"] for each in found}


def test_settings_hold_for_a_session_and_end_with_it(
    tmp_path: Path, shared_database: Environ
) -> None:
    shown = Query(
        "shown",
        "SELECT current_setting('statement_timeout'), current_setting('transaction_isolation'),"
        " current_setting('idle_in_transaction_session_timeout'), current_setting('timezone')",
    )
    limited = {"pool_mode": "session", "default_pool_size": "1"}
    with pooled(tmp_path, shared_database, **limited) as server:
        with process_of({**server.environment(), "POSTGRES_STATEMENT_TIMEOUT": "7"}) as process:
            database = process.database(1, "repeatable read")
            assert database.read(shown) == [("7s", "repeatable read", "7s", "UTC")]
        with psycopg.connect(conninfo_of(server.environment())) as next_client:
            assert next_client.execute("SHOW statement_timeout").fetchone() == ("0",)


def test_migrations_want_a_session_of_their_own(tmp_path: Path, empty_database: Environ) -> None:
    with pooled(tmp_path, empty_database, pool_mode="transaction") as server:
        refused = command(server.environment(), "migrate", "up")
        assert refused.returncode == 1
        assert SHARED in refused.stderr.decode()
        server.stop()
        server.settings["pool_mode"] = "session"
        server.start()
        assert command(server.environment(), "migrate", "up").returncode == 0
        assert command(server.environment(), "migrate", "up").stdout == b"nothing to apply\n"


def test_a_relay_waits_until_its_session_is_its_own(
    tmp_path: Path,
    shared_database: Environ,
    kafka_server: KafkaServer,
    kafka_connection: Connection,
    new_topic: NewTopic,
) -> None:
    topic = new_topic()
    with (
        schema_in(shared_database) as schema,
        process_of(shared_database) as process,
        pooled(tmp_path, shared_database, pool_mode="transaction") as server,
    ):
        database = process.database(1)
        database.run("add", lambda opened: Outbox(schema).add(opened, message(topic)))
        environ = server.environment() | kafka_server.environment()
        with relaying(environ, schema, count=2):
            threading.Event().wait(5.0)  # relays that believed in a lease would be done by then
            assert OutboxAdmin(database, schema).list(1).total == 1
            server.stop()
            server.settings["pool_mode"] = "session"
            server.start()
            eventually(
                lambda: OutboxAdmin(database, schema).list(1).total == 0, WAIT_S, "it is relayed"
            )
    assert len(records_of(kafka_connection, topic)) == 1


def test_a_relay_notices_that_its_session_is_lent_to_others(
    tmp_path: Path, shared_database: Environ
) -> None:
    with (
        schema_in(shared_database) as schema,
        pooled(tmp_path, shared_database, pool_mode="session") as server,
    ):
        conninfo = conninfo_of(server.environment())
        with (
            closing(PostgresLease(Session(conninfo, 5.0), schema)) as one,
            closing(PostgresLease(Session(conninfo, 5.0), schema)) as two,
        ):
            assert [len(lease.share()) for lease in (one, two)] == [8, 8]
            server.reload(pool_mode="transaction")

            def both_share() -> bool:
                try:
                    return all(lease.share() for lease in (one, two))
                except UnavailableError as error:
                    assert "not its own" in str(error)  # noqa: PT017 - it comes at some time
                    return False

            eventually(lambda: not both_share(), 10, "a relay notices")
            with pytest.raises(SharedSessionError):
                OwnSession.connect(conninfo)


_FORGET: LiteralString = "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$"
_PREPARE: LiteralString = """
    DO $$ BEGIN
        FOR n IN 1..9 LOOP EXECUTE format('PREPARE %%I AS SELECT 1', '_pg3_' || n); END LOOP;
    END $$
"""


@pytest.mark.parametrize(("before", "others"), [(1, _FORGET), (0, _PREPARE)])
def test_what_others_prepare_in_a_session_tells_that_it_is_shared(
    shared_database: Environ, before: int, others: LiteralString
) -> None:
    query = Query("known", "SELECT 1")
    with closing(Session(conninfo_of(shared_database), 5.0)) as session:
        for _ in range(before):
            assert session.execute(query) == [(1,)]
        session.execute(Query("others", others))
        with pytest.raises(UnavailableError, match="not its own"):
            session.execute(query)


def test_a_consumer_says_why_it_is_not_ready(
    tmp_path: Path, service_environ: Environ, producer: KafkaProducer
) -> None:
    send(producer, service_environ["ORDERS_TOPIC"], json.dumps(as_json(order())).encode())
    with pooled(tmp_path, service_environ, pool_mode="transaction") as server:
        environ = server.environment() | {"POSTGRES_RETRY_ATTEMPTS": "2"}
        with consuming(environ) as consumer:

            def waits_for_postgres() -> bool:
                status, body = consumer.get("/health/ready")
                part = json.loads(body).get("parts", {}).get("postgres", {})
                return status == 503 and part.get("failing_for_seconds", 0) > 4

            eventually(waits_for_postgres, WAIT_S, "the consumer is not ready")
            code, log = consumer.stop()
    assert code == 0
    assert SHARED in log
    with connect(service_environ, admin=True) as admin:
        assert admin.execute("SELECT count(*) FROM orders.orders").fetchone() == (0,)


def test_the_api_answers_no_lookup_over_a_shared_session(
    tmp_path: Path, service_environ: Environ
) -> None:
    with (
        pooled(tmp_path, service_environ, pool_mode="transaction") as server,
        closing_api(server.environment() | {"ORDERS_CACHE_WARM_UP": "0"}) as api,
    ):
        eventually(lambda: api.get("/health/ready").status, WAIT_S, "the API answers")
        parts = json.loads(api.get("/health/ready").body)["parts"]
        assert parts["postgres"]["ok"] is False
        assert api.get(f"/order/{uuid.uuid4()}").status == 503


@contextmanager
def closing_api(environ: Environ) -> Iterator[Api]:
    """An API that need not become ready."""
    api = Api(environ)
    try:
        yield api
    finally:
        api.process.terminate()
        api.process.wait(timeout=20)
