"""What the accrual system says, what becomes of numbers, and how points move."""

import collections
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from order_service.metrics import PREFIX, starting_at_zero

from .model import Kind, Status
from .ports import Answer, Failed, Result, Throttled, Unknown, Verdict

_ANSWERS: dict[type[Answer], str] = {
    Verdict: "verdict",
    Unknown: "unknown",
    Throttled: "throttled",
    Failed: "failed",
}


class PollingMetrics:
    """Implements :class:`ports.PollingObserver`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # "failed" tells an accrual system that is broken, "throttled" one that we ask too often.
        self._answers = starting_at_zero(
            Counter(
                f"{PREFIX}_loyalty_answers_total",
                "Answers of the accrual system, by what they say",
                ["answer"],
                registry=registry,
            ),
            list(_ANSWERS.values()),
        )
        # A slow accrual system is the usual reason for points that come late.
        self._seconds = Histogram(
            f"{PREFIX}_loyalty_answer_seconds",
            "Time until the accrual system answered",
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
            registry=registry,
        )
        # Beside the rate of uploads it shows whether the pollers keep up.
        self._finished = starting_at_zero(
            Counter(
                f"{PREFIX}_loyalty_numbers_finished_total",
                "Numbers of orders that are finished, by how it ended",
                ["status"],
                registry=registry,
            ),
            [Status.PROCESSED, Status.INVALID],
        )
        # What the shop gives away.
        self._credited = Counter(
            f"{PREFIX}_loyalty_points_accrued_total",
            "Points that were credited for orders",
            registry=registry,
        )
        # Rises where the pollers stand still or do not keep up, whatever the reason.
        self.overdue = Gauge(
            f"{PREFIX}_loyalty_overdue_seconds",
            "How long the number that has waited longest has been due",
            registry=registry,
            multiprocess_mode="max",
        )

    def asked(self, answer: Answer, seconds: float) -> None:
        """The accrual system answered after `seconds`."""
        self._answers.labels(_ANSWERS[type(answer)]).inc()
        self._seconds.observe(seconds)

    def settled(self, results: Sequence[Result]) -> None:
        """These results were kept."""
        finished = collections.Counter(
            result.status for result in results if result.status and result.delay is None
        )
        for status, count in finished.items():
            self._finished.labels(status).inc(count)
        self._credited.inc(sum(result.accrual or 0 for result in results) / 100)


class MovementMetrics:
    """Points that moved by request."""

    _KINDS = (Kind.WITHDRAWAL, Kind.SPENDING, Kind.CREDIT, Kind.DEBIT, Kind.REVERSAL)

    def __init__(self, registry: CollectorRegistry) -> None:
        # The figure that the business watches.
        self._moved = starting_at_zero(
            Counter(
                f"{PREFIX}_loyalty_movements_total",
                "Movements of points that were asked for and took effect, by kind",
                ["kind"],
                registry=registry,
            ),
            self._KINDS,
        )

    def moved(self, kind: Kind) -> None:
        """A movement took effect."""
        self._moved.labels(kind).inc()
