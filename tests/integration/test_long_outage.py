"""An outage that is longer than the pool's patience leaves no lasting mark."""

import time
from collections.abc import Iterator

import pytest

from order_service.embedded.postgres import PostgresServer
from order_service.infra.postgres.database import Database, Settings
from order_service.infra.postgres.faults import UnavailableError
from order_service.infra.postgres.sql import Query
from tests.chaos.proxy import TcpProxy
from tests.metrics import Metrics
from tests.waiting import eventually

_ONE = Query("one", "SELECT 1")
_PATIENCE = 0.1
# Longer than the pool goes on trying to connect, after it gave up on dozens of calls.
_OUTAGE = 6.0


@pytest.fixture
def proxy(postgres_server: PostgresServer) -> Iterator[TcpProxy]:
    with TcpProxy(lambda: postgres_server.port) as proxy:
        yield proxy


@pytest.fixture
def database(postgres_server: PostgresServer, proxy: TcpProxy) -> Iterator[Database]:
    dsn = postgres_server.admin_dsn("postgres").replace(f"port={postgres_server.port}", "")
    settings = Settings(
        f"{dsn} port={proxy.port} connect_timeout=2",
        min_size=1,
        max_size=2,
        checkout_timeout=_PATIENCE,
        call_timeout=2.0,
        circuit_open=0.0,
    )
    database = Database(settings, Metrics().backends)
    yield database
    database.close()


def _answers(database: Database) -> bool:
    try:
        return database.read(_ONE) == [(1,)]
    except UnavailableError:
        return False


def test_reads_work_again_after_an_outage_with_many_calls_in_vain(
    proxy: TcpProxy, database: Database
) -> None:
    proxy.refuse()
    database.open()
    until = time.monotonic() + _OUTAGE
    while time.monotonic() < until:
        assert not _answers(database)
    proxy.heal()
    eventually(lambda: _answers(database), 10, "the database is used again")
