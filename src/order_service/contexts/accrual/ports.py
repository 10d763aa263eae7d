"""What the use cases need from the outside; `postgres` and `metrics` implement it."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from .model import Order, Outcome, Rule


class AccrualStore(Protocol):
    """Keeps rules and orders. Thread-safe; blocks, with a deadline.

    Every method raises StorageUnavailableError if it cannot answer now.
    """

    def add_rule(self, rule: Rule) -> None:
        """Keep a rule.

        Raises:
            RuleExistsError: There is one with the same match.
        """

    def add_order(self, order: Order) -> None:
        """Keep an order; it waits for its calculation from now on.

        Raises:
            OrderExistsError: There is one with the same number.
        """

    def find(self, number: str) -> Outcome | None:
        """Return how far an order is, None if there is no such order."""

    def claim(self, limit: int, lease: float) -> "Claim":
        """Take at most `limit` orders that wait, the oldest first, for `lease` seconds.

        Nobody else gets them before; those that are not finished by then wait again.
        """

    def finish(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Keep what was calculated; return what is new: an order is finished once."""


class Claim(NamedTuple):
    """Orders to calculate, and the rules that were in force when they were taken."""

    orders: Sequence[Order]
    rules: Sequence[Rule]


class CalculationObserver(Protocol):
    """Told what became of orders, for metrics."""

    def calculated(self, outcomes: Sequence[Outcome]) -> None:
        """These are finished."""
