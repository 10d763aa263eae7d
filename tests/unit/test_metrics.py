"""The metrics tell what happened, in few series."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from order_service.contexts.orders.ports import (
    DeadLetter,
    IngestObserver,
    Level,
    LookupObserver,
    Outcome,
)
from order_service.metrics import Metrics


class StubMessage:
    topic = "orders"
    partition = 0
    offset = 0
    timestamp = -1
    key = None
    value = b""


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"order_service_{name}", labels)


def test_messages_are_counted_by_what_became_of_them() -> None:
    metrics = Metrics()
    observer: IngestObserver = metrics.ingest
    observer.stored({"a": Outcome.CREATED, "b": Outcome.CREATED, "c": Outcome.REPLACED})
    observer.rejected([DeadLetter(StubMessage(), "invalid_json", {})])
    observer.superseded(3)
    assert value(metrics, "messages_total", result="created") == 2
    assert value(metrics, "messages_total", result="replaced") == 1
    assert value(metrics, "messages_total", result="superseded") == 3
    assert value(metrics, "messages_total", result="dead_letter") == 1
    assert value(metrics, "orders_created_total") == 2
    assert value(metrics, "dead_letters_total", reason="invalid_json") == 1


def test_known_series_start_at_zero() -> None:
    metrics = Metrics()
    metrics.ingest.superseded(0)
    metrics.backends.queried("find", 0.001, ok=True)
    for result in ("created", "replaced", "unchanged", "superseded", "dead_letter"):
        assert value(metrics, "messages_total", result=result) == 0
    for backend in ("postgres", "kafka", "dead-letters"):
        assert value(metrics, "retries_total", backend=backend) == 0


def test_lookups_are_counted_by_level() -> None:
    metrics = Metrics()
    observer: LookupObserver = metrics.lookup
    observer.looked_up(Level.LOCAL)
    observer.looked_up(Level.MISS)
    observer.looked_up(Level.MISS)
    assert value(metrics, "cache_requests_total", level="local") == 1
    assert value(metrics, "cache_requests_total", level="hit") == 0
    assert value(metrics, "cache_requests_total", level="miss") == 2


def test_warm_up_is_done_when_all_is_cached() -> None:
    metrics = Metrics()
    metrics.lookup.warmed(250, 1000)
    assert (value(metrics, "warm_up_orders"), value(metrics, "warm_up_done")) == (250, 0)
    metrics.lookup.warmed(1000, 1000)
    assert value(metrics, "warm_up_done") == 1


def test_lag_is_shown_for_assigned_partitions_only() -> None:
    metrics = Metrics()
    metrics.consumer.lag({0: 5, 1: 7})
    metrics.consumer.lag({1: 0, 2: 1})
    assert value(metrics, "consumer_lag_messages", partition="0") is None
    assert value(metrics, "consumer_lag_messages", partition="1") == 0
    assert value(metrics, "consumer_lag_messages", partition="2") == 1
    assert value(metrics, "consumer_assigned_partitions") == 2


def test_the_age_of_the_last_fetch_grows_with_the_clock() -> None:
    now = [1000.0]
    metrics = Metrics(clock=lambda: now[0])
    metrics.consumer.fetched()
    now[0] += 42
    assert value(metrics, "consumer_last_fetch_timestamp_seconds") == 1000
    assert value(metrics, "consumer_last_fetch_age_seconds") == 42


def test_a_batch_is_measured_whole_and_by_stage() -> None:
    metrics = Metrics()
    metrics.batch.taken(500, 600_000)
    metrics.batch.took("store", 0.2)
    with metrics.batch.stage("commit"):
        pass
    assert value(metrics, "batch_messages_sum") == 500
    assert value(metrics, "batch_bytes_sum") == 600_000
    assert value(metrics, "batch_duration_seconds_count", stage="store") == 1
    assert value(metrics, "batch_duration_seconds_count", stage="commit") == 1


def test_queries_are_counted_by_name_and_result() -> None:
    metrics = Metrics()
    metrics.backends.queried("find", 0.001, ok=True)
    metrics.backends.queried("find", 1.0, ok=False)
    metrics.backends.retried("postgres")
    assert value(metrics, "db_queries_total", query="find", result="error") == 1
    assert value(metrics, "db_query_duration_seconds_count", query="find") == 2
    assert value(metrics, "retries_total", backend="postgres") == 1


def test_a_process_exports_only_the_groups_that_it_uses() -> None:
    metrics = Metrics()
    metrics.lookup.looked_up(Level.HIT)
    assert b"consumer" not in generate_latest(metrics.registry)


def test_consumer_states_are_shown() -> None:
    metrics = Metrics()
    metrics.consumer.paused(now=True, causes={"invalid_json": 7})
    metrics.consumer.gap(12)
    metrics.consumer.stalled()
    assert value(metrics, "consumer_paused") == 1
    assert value(metrics, "consumer_paused_rejections", reason="invalid_json") == 7
    assert value(metrics, "offset_gap_messages_total") == 12
    assert value(metrics, "watchdog_stalls_total") == 1


_COUNT_ONE = """
from order_service.metrics import Metrics
from order_service.contexts.orders.ports import Level
metrics = Metrics()
metrics.lookup.looked_up(Level.HIT)
"""
_SHOW_ALL = """
from prometheus_client import generate_latest
from order_service.metrics import Metrics, registry_for_scrape
metrics = Metrics()
print(generate_latest(registry_for_scrape(metrics.registry)).decode())
"""


def test_a_scrape_shows_the_sum_over_all_worker_processes(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)

    def run(script: str) -> str:
        arguments = [sys.executable, "-c", script]
        return subprocess.run(  # the processes are the subject of the test
            arguments, env=environment, check=True, capture_output=True, text=True
        ).stdout

    run(_COUNT_ONE)
    run(_COUNT_ONE)
    assert 'order_service_cache_requests_total{level="hit"} 2.0' in run(_SHOW_ALL)


def test_an_unknown_collector_is_an_error() -> None:
    with pytest.raises(KeyError):
        Metrics().registry.collector("nothing")
