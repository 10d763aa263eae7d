"""What becomes of purchases, and how long that takes."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from order_service.metrics import PREFIX, starting_at_zero

from .model import Status
from .settling import Settled


class PurchaseMetrics:
    """What customers ask for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # The figure that the business watches.
        self._accepted = Counter(
            f"{PREFIX}_purchases_accepted_total",
            "Purchases that were accepted, before their payment",
            registry=registry,
        )

    def accepted(self) -> None:
        """A purchase began."""
        self._accepted.inc()


class SettlementMetrics:
    """What the answers of payments did."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._moved = starting_at_zero(
            Counter(
                f"{PREFIX}_purchases_settled_total",
                "Purchases that an answer of payments moved on, by where they stand now",
                ["status"],
                registry=registry,
            ),
            [Status.APPROVED, Status.REJECTED, Status.CANCELLED, Status.REFUNDED],
        )
        # Copies are known by the inbox before; these are second answers to one question.
        self._without_effect = Counter(
            f"{PREFIX}_purchases_answers_without_effect_total",
            "Answers of payments that moved no purchase, as it stood there already",
            registry=registry,
        )
        # What a customer waits for.
        self._seconds = Histogram(
            f"{PREFIX}_purchase_settlement_seconds",
            "Time from the acceptance of a purchase to its first answer",
            buckets=(0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
            registry=registry,
        )

    def settled(self, settled: Settled) -> None:
        """Answers took effect."""
        for purchase in settled.moved:
            self._moved.labels(purchase.status).inc()
            if purchase.settled_at and purchase.status in {Status.APPROVED, Status.REJECTED}:
                waited = purchase.settled_at - purchase.created_at
                self._seconds.observe(waited.total_seconds())
        self._without_effect.inc(settled.without_effect)


class WaitingMetrics:
    """Purchases that wait for an answer of payments."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # The figure to alert on: it rises whatever it is that keeps answers away.
        self._oldest = Gauge(
            f"{PREFIX}_purchases_unsettled_oldest_age_seconds",
            "Age of the oldest purchase that waits for an answer of payments, 0 if none does",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._count = Gauge(
            f"{PREFIX}_purchases_unsettled",
            "Purchases that wait for an answer of payments",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._asked_again = Counter(
            f"{PREFIX}_purchases_asked_again_total",
            "Times that payments was asked again about a purchase, as no answer came",
            registry=registry,
        )

    def measured(self, count: int, oldest: float) -> None:
        """So many wait, the oldest for so many seconds."""
        self._count.set(count)
        self._oldest.set(oldest)

    def asked_again(self, count: int) -> None:
        """Payments was asked again about so many."""
        self._asked_again.inc(count)
