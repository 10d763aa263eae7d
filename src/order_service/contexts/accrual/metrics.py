"""What became of the orders, and of those who asked about them too often."""

import collections
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter

from order_service.metrics import PREFIX, starting_at_zero

from .model import Outcome, Status


class CalculationMetrics:
    """Implements :class:`ports.CalculationObserver`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Beside the rate of new orders it shows whether the calculators keep up.
        self._calculated = starting_at_zero(
            Counter(
                f"{PREFIX}_accrual_calculated_total",
                "Orders whose calculation is finished, by how it ended",
                ["status"],
                registry=registry,
            ),
            [Status.PROCESSED, Status.INVALID],
        )

    def calculated(self, outcomes: Sequence[Outcome]) -> None:
        """These are finished."""
        for status, count in collections.Counter(each.status for each in outcomes).items():
            self._calculated.labels(status).inc(count)


class RequestMetrics:
    """How the limit works on those who ask."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Rises where the limit is lower than what pollers need.
        self.limited = Counter(
            f"{PREFIX}_accrual_limited_total",
            "Questions about orders that were answered with 429",
            registry=registry,
        )
