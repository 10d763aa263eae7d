"""Use case: calculate what waits, as one of any number of calculators."""

from .model import calculate
from .ports import AccrualStore, CalculationObserver

BATCH = 500
"""Most orders that are calculated at once: bounds memory and the length of a transaction."""

LEASE = 30.0
"""Seconds after which orders are given to another calculator. A batch takes milliseconds."""


class Calculation:
    """Calculates orders, some at a time.

    Args:
        store: Where they wait.
        observer: Told of every order that is finished.
    """

    def __init__(self, store: AccrualStore, observer: CalculationObserver) -> None:
        self._store = store
        self._observer = observer

    def step(self) -> int:
        """Calculate some orders; return how many, fewer than `BATCH` if no more wait.

        Raises:
            StorageUnavailableError: Orders that were taken wait again when their lease ends.
        """
        orders, rules = self._store.claim(BATCH, LEASE)
        if orders:
            outcomes = [calculate(order, rules) for order in orders]
            self._observer.calculated(self._store.finish(outcomes))
        return len(orders)
