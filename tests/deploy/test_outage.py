"""What an outage of Postgres looks like to Prometheus, because alerts rest on it."""

from pathlib import Path

import pytest

from order_service.bootstrap.backends import open_database
from order_service.config import load_config
from order_service.infra.postgres.database import UnavailableError
from order_service.infra.postgres.sql import Query
from order_service.metrics import Metrics

# Nobody listens on port 1.
_AWAY = {"POSTGRES_HOST": "127.0.0.1", "POSTGRES_PORT": "1", "POSTGRES_POOL_TIMEOUT": "0.2"}


def test_a_query_that_finds_no_database_counts_as_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    metrics = Metrics()
    database = open_database(load_config(environ=_AWAY), metrics)
    try:
        with pytest.raises(UnavailableError):
            database.read(Query("find_orders", "SELECT 1"))
    finally:
        database.close()
    failed = {"query": "find_orders", "result": "error"}
    assert metrics.registry.get_sample_value("order_service_db_queries_total", failed) == 1
