"""What became of payments, and what came into wallets."""

import collections
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter

from order_service.metrics import PREFIX, starting_at_zero

from .model import Outcome, Settlement


class PaymentMetrics:
    """Answers to requests."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Answers that were committed, repeated ones too: a burst of them shows who asks again.
        self._answers = starting_at_zero(
            Counter(
                f"{PREFIX}_payments_answers_total",
                "Answers to requests to pay or to cancel, by what became of the payment",
                ["outcome"],
                registry=registry,
            ),
            [*Outcome],
        )

    def answered(self, settlements: Sequence[Settlement]) -> None:
        """Answers were written."""
        for outcome, count in collections.Counter(each.outcome for each in settlements).items():
            self._answers.labels(outcome).inc(count)


class WalletMetrics:
    """Wallets and deposits."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._opened = Counter(
            f"{PREFIX}_wallets_opened_total", "Wallets that were opened", registry=registry
        )
        # The figure that the business watches.
        self._deposited = Counter(
            f"{PREFIX}_wallet_deposits_total",
            "Deposits that were asked for and took effect",
            registry=registry,
        )

    def opened(self) -> None:
        """A wallet is new."""
        self._opened.inc()

    def deposited(self) -> None:
        """Money came in."""
        self._deposited.inc()
