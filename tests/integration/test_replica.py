"""Lookups from a streaming replica: what it may decide, and what happens without it."""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import psycopg
import pytest
from werkzeug.test import Client

from order_service.context import backends
from order_service.context.checks import CallCheck
from order_service.context.process import Process
from order_service.contexts.orders.errors import StorageUnavailableError
from order_service.contexts.orders.ports import OrderFilter, OrderSummary
from order_service.contexts.orders.wiring.storage import Storage, open_storage
from order_service.embedded.postgres import PostgresServer
from order_service.infra.postgres.replica_lag import ReplicaLag
from tests.backends import api_of, migrator_of, process_of
from tests.builders import record
from tests.replication import ReplicaServer
from tests.servers import started
from tests.waiting import eventually

READ = record("read")
EVERYTHING = OrderFilter()


class Pair(NamedTuple):
    """A primary with one order, and a replica that has it too."""

    primary: PostgresServer
    replica: ReplicaServer

    def on_replica(self, statement: str) -> None:
        """Run a statement on the replica, as its superuser."""
        with psycopg.connect(self.replica.admin_dsn(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def on_primary(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement on the primary, as its superuser."""
        with psycopg.connect(self.primary.admin_dsn(), autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()

    def in_step(self) -> bool:
        """Whether the replica has replayed all that the primary has written."""
        query = "SELECT replay_lsn >= pg_current_wal_lsn() FROM pg_stat_replication"
        return self.on_primary(query) == [(True,)]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with started(PostgresServer(tmp_path_factory.mktemp("primary"), durable=False)) as primary:
        with migrator_of(primary.environment()) as migrator:
            migrator.up()
        with started(ReplicaServer(tmp_path_factory.mktemp("replica"), primary)) as replica:
            yield Pair(primary, replica)


@pytest.fixture
def pair(servers: Pair) -> Iterator[Pair]:
    """Both run, hold READ and nothing else, and are in step."""
    with opened(servers.primary.environment()) as storage:
        servers.on_primary("WITH gone AS (DELETE FROM orders.orders RETURNING 1) SELECT FROM gone")
        storage.orders.save([READ])
    eventually(servers.in_step, 20, "the replica is in step")
    yield servers
    servers.replica.resume()
    servers.primary.start()
    servers.replica.start()
    servers.on_replica("SELECT pg_wal_replay_resume()")


@contextlib.contextmanager
def opened(environ: Mapping[str, str]) -> Iterator[Storage]:
    """The storage as the API opens it, the replica (if one is named) known to be well."""
    with process_of(environ) as process:
        storage = open_storage(process)
        eventually(lambda: all(map(is_well, storage.checks)), 10, "all databases are well")
        yield storage


def is_well(check: CallCheck) -> bool:
    return check.state().ok


def replica_is_well(storage: Storage) -> bool:
    return is_well(storage.checks[1])


@pytest.fixture
def storage(pair: Pair) -> Iterator[Storage]:
    with opened(pair.replica.environment()) as storage:
        yield storage


def uids(found: Sequence[OrderSummary]) -> list[str]:
    return [summary.order_uid for summary in found]


def retries(process: Process) -> float:
    labels = {"backend": "postgres-replica"}
    return process.registry.get_sample_value("order_service_retries_total", labels) or 0.0


def test_lookups_lists_and_the_warm_up_read_the_replica(pair: Pair, storage: Storage) -> None:
    pair.primary.stop()
    assert storage.orders.find("read") == READ.document
    assert uids(storage.orders.search(EVERYTHING, 10, None)) == ["read"]
    assert list(storage.orders.newest(10, 5)) == [[("read", READ.document)]]


def test_an_order_is_not_called_unknown_while_the_primary_cannot_be_asked(
    pair: Pair, storage: Storage
) -> None:
    pair.primary.stop()
    with pytest.raises(StorageUnavailableError):
        storage.orders.find("unknown")


def test_the_api_serves_stored_orders_from_the_replica_while_the_primary_is_away(
    pair: Pair,
) -> None:
    environ = {"REDIS_URL": "redis://127.0.0.1:1/0"}
    with contextlib.closing(api_of(pair.replica.environment() | environ)) as worker:
        client = Client(worker)
        eventually(lambda: replica_state(client), 10, "the replica is well")
        pair.primary.stop()
        assert client.get("/order/read").get_data() == READ.document.body
        assert client.get("/order/unknown").status_code == 503


def replica_state(client: Client) -> bool:
    """Whether readiness says that the replica is well."""
    report = client.get("/health/ready").json
    return report is not None and report["parts"]["postgres-replica"]["ok"]


def test_an_order_that_has_not_reached_the_replica_is_found(pair: Pair, storage: Storage) -> None:
    pair.on_replica("SELECT pg_wal_replay_pause()")
    storage.orders.save([record("new")])
    assert storage.orders.find("new") == record("new").document
    assert storage.orders.find("unknown") is None


def test_a_replica_that_is_too_far_behind_is_not_read(pair: Pair) -> None:
    new = record("read", offset=1, locale="ru")
    with opened(pair.replica.environment() | {"POSTGRES_READ_MAX_LAG": "0.1"}) as storage:
        pair.on_replica("SELECT pg_wal_replay_pause()")
        storage.orders.save([new])
        assert storage.orders.find("read") == READ.document
        eventually(lambda: not replica_is_well(storage), 10, "the replica is behind")
        assert storage.orders.find("read") == new.document


def test_a_replica_that_nobody_sends_anything_is_too_far_behind(pair: Pair) -> None:
    with process_of(pair.replica.environment()) as process:
        lag = ReplicaLag(process.replica(1), limit=5.0)
        lag.ask()
        assert lag.acceptable()
        pair.primary.stop()

        def is_known() -> bool:
            lag.ask()
            return not lag.acceptable()

        eventually(is_known, 10, "the receiver has ended")


def test_without_the_primary_even_an_old_replica_is_read(pair: Pair) -> None:
    with opened(pair.replica.environment()) as storage:
        pair.primary.stop()
        eventually(lambda: not replica_is_well(storage), 10, "the replica is known to be old")
        assert storage.orders.find("read") == READ.document
        with pytest.raises(StorageUnavailableError):
            storage.orders.find("unknown")


def test_without_the_replica_the_primary_is_read(pair: Pair, storage: Storage) -> None:
    pair.replica.stop()
    assert storage.orders.find("read") == READ.document
    assert uids(storage.orders.search(EVERYTHING, 10, None)) == ["read"]
    assert list(storage.orders.newest(10, 5)) == [[("read", READ.document)]]


def test_a_replica_that_dies_under_a_read_costs_no_error_and_is_counted(pair: Pair) -> None:
    with process_of(pair.replica.environment()) as process:
        storage = open_storage(process)
        eventually(lambda: all(map(is_well, storage.checks)), 10, "all databases are well")
        assert storage.orders.find("read") == READ.document
        pair.replica.kill()
        assert storage.orders.find("read") == READ.document
        assert retries(process) == 1


def test_a_replica_that_hangs_costs_its_deadline_and_no_error(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "REPLICA_TIMEOUT", 0.2)
    with opened(pair.replica.environment()) as storage:
        assert storage.orders.find("read") == READ.document
        pair.replica.suspend()
        began = time.monotonic()
        assert storage.orders.find("read") == READ.document
        assert time.monotonic() - began < 3


def test_the_replica_is_read_again_when_it_is_back(pair: Pair, storage: Storage) -> None:
    pair.replica.stop()
    eventually(lambda: not replica_is_well(storage), 10, "the replica is known to be away")
    assert storage.orders.find("read") == READ.document
    pair.replica.start()
    eventually(lambda: replica_is_well(storage), 10, "the replica is back")
    pair.on_replica("SELECT pg_wal_replay_pause()")
    storage.orders.save([record("read", offset=1, locale="ru")])
    assert storage.orders.find("read") == READ.document  # the old content: it is read
