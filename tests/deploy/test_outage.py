"""What an outage of Postgres looks like to Prometheus, because alerts rest on it."""

from pathlib import Path

import pytest

from order_service.context import backends
from order_service.infra.postgres.faults import UnavailableError
from order_service.infra.postgres.sql import Query
from tests.backends import process_of

# Nobody listens on port 1.
_AWAY = {"POSTGRES_HOST": "127.0.0.1", "POSTGRES_PORT": "1"}


def test_a_query_that_finds_no_database_counts_as_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(backends, "CHECKOUT_TIMEOUT", 0.2)
    with process_of(_AWAY) as process, pytest.raises(UnavailableError):
        process.database(1).read(Query("find_orders", "SELECT 1"))
    failed = {"query": "find_orders", "result": "error"}
    assert process.registry.get_sample_value("order_service_db_queries_total", failed) == 1
