"""What a scrape of the real processes shows, once everything has happened in them once."""

import urllib.request
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from order_service.contexts.accounts.metrics import AccountsMetrics, RpcMetrics
from order_service.contexts.accrual.metrics import CalculationMetrics, RequestMetrics
from order_service.contexts.checkout.metrics import (
    PurchaseMetrics,
    SettlementMetrics,
    WaitingMetrics,
)
from order_service.contexts.loyalty.metrics import MovementMetrics, PollingMetrics
from order_service.contexts.orders.api.part import create_part
from order_service.contexts.orders.ports import Level, Outcome
from order_service.contexts.payments.metrics import PaymentMetrics, WalletMetrics
from order_service.http.app import ApiServices, create_wsgi
from order_service.http.health import Readiness
from order_service.http.operations import serve_operations
from order_service.infra.kafka.topic import Subscription
from order_service.messaging.metrics import InboxMetrics, OutboxMetrics
from order_service.messaging.outbox.ports import OutboxDepth
from order_service.messaging.ports import DeadLetter
from order_service.metrics import BatchMetrics, ConsumerMetrics, Registry
from tests.metrics import Metrics
from tests.unit.http_support import UID, MemoryLookup, ask

REASONS = (
    "empty",
    "too_large",
    "invalid_encoding",
    "too_deep",
    "invalid_json",
    "invalid_order",
    "refused_by_storage",
)
QUERIES = ("save_orders", "find_orders", "newest_uids", "search_orders", "check_schema")


class Message(NamedTuple):
    """A record of a topic."""

    topic: str = "orders"
    partition: int = 0
    offset: int = 0
    timestamp: int = -1
    key: bytes | None = None
    value: bytes = b""
    headers: Sequence[tuple[str, bytes | None]] = ()


class Series(NamedTuple):
    """One line of an exposition, without its value."""

    name: str
    labels: dict[str, str]


def scrape_of_api() -> str:
    """Return the text of the API's `/metrics`, after good, unknown and broken requests."""
    metrics = Metrics()
    _use_backends(metrics)
    for level in Level:
        metrics.lookup.looked_up(level)
    metrics.lookup.warmed(1, 1)
    lookup = MemoryLookup()
    parts = [create_part(lookup, lookup, [])]
    app = create_wsgi(ApiServices(parts, metrics.registry, Path("/nonexistent")))
    for path in (f"/order/{UID}", "/order/unknown", "/orders", "/nothing"):
        ask(app, "GET", path)
    lookup.broken = True
    assert ask(app, "GET", "/order/other").status.startswith("500")
    return ask(app, "GET", "/metrics").body.decode()


def scrape_of_consumer() -> str:
    """Return the text of the consumer's `/metrics`, after every event it knows."""
    metrics = Metrics()
    _use_backends(metrics)
    _ingest(metrics)
    server = serve_operations("127.0.0.1", 0, metrics.registry, Readiness([]))
    try:
        address = f"http://127.0.0.1:{server.port}/metrics"
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert answer.status == HTTPStatus.OK
            return str(answer.read().decode())
    finally:
        server.close()


def scrape_of_contexts() -> str:
    """Return what API and workers of the contexts beside orders show, zeros included."""
    registry = Registry()
    AccountsMetrics(registry).revocations_age.set(1.0)
    RpcMetrics(registry).called("Validate", "OK", 0.001)
    PollingMetrics(registry).overdue.set(1.0)
    MovementMetrics(registry)
    CalculationMetrics(registry)
    RequestMetrics(registry)
    PaymentMetrics(registry)
    WalletMetrics(registry)
    PurchaseMetrics(registry)
    SettlementMetrics(registry)
    WaitingMetrics(registry).measured(1, 1.0)
    return generate_latest(registry).decode()


def _use_backends(metrics: Metrics) -> None:
    for query in QUERIES:
        metrics.backends.queried(query, 0.001, ok=True)
        metrics.backends.queried(query, 0.001, ok=False)
    metrics.cache.errors.inc()
    metrics.cache.circuit_open.set(1)


def _ingest(metrics: Metrics) -> None:
    metrics.ingest.stored({outcome: outcome for outcome in Outcome})
    metrics.ingest.rejected([DeadLetter(Message(), reason, {}) for reason in REASONS])
    subscription = Subscription("orders", "order-service")
    BatchMetrics(metrics.registry, subscription).taken(1, 1000)
    consumer = ConsumerMetrics(metrics.registry, subscription)
    consumer.lag({0: 1})
    consumer.fetched()
    consumer.paused({"invalid_order": 1})
    outbox = OutboxMetrics(metrics.registry, "accounts")
    outbox.published(1)
    outbox.refused(1)
    outbox.measured(OutboxDepth(1, 1.0, 1))
    inbox = InboxMetrics(metrics.registry, "accounts")
    inbox.handled(1)
    inbox.duplicates(1)
    inbox.rejected(1)


def series_of(text: str) -> Iterator[Series]:
    """Yield the series of an exposition."""
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield Series(sample.name, sample.labels)
