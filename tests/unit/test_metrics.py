"""The metrics tell what happened, in few series."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from order_service.contexts.orders.ports import (
    IngestObserver,
    Level,
    LookupObserver,
    Outcome,
)
from order_service.infra.kafka.topic import Subscription
from order_service.messaging.ports import DeadLetter
from order_service.metrics import BatchMetrics, ConsumerMetrics, Registry
from order_service.metrics.tally import Tally
from tests.loops import run
from tests.metrics import Metrics

ORDERS = Subscription("orders", "group")
POINTS = Subscription("points", "group")


class StubMessage:
    topic = "orders"
    partition = 0
    offset = 0
    timestamp = -1
    key = None
    value = b""
    headers = ()


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


def shown(registry: Registry, name: str, of: Subscription, **labels: str) -> float | None:
    return registry.get_sample_value(f"order_service_{name}", {**of._asdict(), **labels})


def test_lag_is_shown_for_assigned_partitions_only() -> None:
    registry = Registry()
    consumer = ConsumerMetrics(registry, ORDERS)
    consumer.lag({0: 5, 1: 7})
    consumer.lag({1: 0, 2: 1})
    assert shown(registry, "consumer_lag_messages", ORDERS, partition="0") is None
    assert shown(registry, "consumer_lag_messages", ORDERS, partition="1") == 0
    assert shown(registry, "consumer_lag_messages", ORDERS, partition="2") == 1
    assert shown(registry, "consumer_assigned_partitions", ORDERS) == 2


def test_the_age_of_the_last_fetch_grows_with_the_clock() -> None:
    now = [1000.0]
    registry = Registry()
    ConsumerMetrics(registry, ORDERS, lambda: now[0]).fetched()
    now[0] += 42
    assert shown(registry, "consumer_last_fetch_timestamp_seconds", ORDERS) == 1000
    assert shown(registry, "consumer_last_fetch_age_seconds", ORDERS) == 42


def test_a_batch_is_measured_whole_and_by_stage() -> None:
    registry = Registry()
    batches = BatchMetrics(registry, ORDERS)
    batches.taken(500, 600_000)
    batches.took("store", 0.2)
    batches.took("commit", 0.1)
    assert shown(registry, "batch_messages_sum", ORDERS) == 500
    assert shown(registry, "batch_bytes_sum", ORDERS) == 600_000
    assert shown(registry, "batch_duration_seconds_count", ORDERS, stage="store") == 1
    assert shown(registry, "batch_duration_seconds_count", ORDERS, stage="commit") == 1
    assert shown(registry, "batch_duration_seconds_count", ORDERS, stage="decode") == 0


def test_consumptions_of_one_process_are_told_apart() -> None:
    registry = Registry()
    orders, points = (ConsumerMetrics(registry, of) for of in (ORDERS, POINTS))
    orders.lag({0: 5})
    points.lag({0: 7, 1: 1})
    points.lag({1: 2})
    orders.paused({"empty": 3})
    BatchMetrics(registry, ORDERS).taken(10, 100)
    BatchMetrics(registry, POINTS).taken(20, 200)
    assert shown(registry, "consumer_lag_messages", ORDERS, partition="0") == 5
    assert shown(registry, "consumer_lag_messages", POINTS, partition="0") is None
    assert shown(registry, "consumer_lag_messages", POINTS, partition="1") == 2
    assert [shown(registry, "consumer_paused", of) for of in (ORDERS, POINTS)] == [1, 0]
    assert [shown(registry, "batch_messages_sum", of) for of in (ORDERS, POINTS)] == [10, 20]


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
    registry = Registry()
    consumer = ConsumerMetrics(registry, ORDERS)
    consumer.paused({"invalid_json": 7})
    consumer.gap(12)
    consumer.stalled()
    assert shown(registry, "consumer_paused", ORDERS) == 1
    assert shown(registry, "consumer_paused_rejections", ORDERS, reason="invalid_json") == 7
    assert shown(registry, "offset_gap_messages_total", ORDERS) == 12
    assert shown(registry, "watchdog_stalls_total", ORDERS) == 1


_COUNT_ONE = """
from tests.metrics import Metrics
from order_service.contexts.orders.ports import Level
metrics = Metrics()
metrics.lookup.looked_up(Level.HIT)
"""
_SHOW_ALL = """
from prometheus_client import generate_latest
from order_service.metrics import registry_for_scrape
from tests.metrics import Metrics
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


def test_a_tally_hands_over_once_a_turn() -> None:
    taken: list[tuple[int, float]] = []
    tally = Tally(lambda count, amount: taken.append((count, amount)))

    async def turns() -> None:
        for _ in range(2):
            for _ in range(3):
                tally.add(0.5)
            await asyncio.sleep(0)

    run(turns)
    assert taken == [(3, 1.5), (3, 1.5)]
