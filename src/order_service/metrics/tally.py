"""Counting in an event loop at a tenth of the price.

A counter takes a lock for each count, and finds its way to the place of the number anew. What many
callbacks of one turn of the loop count can as well be counted once, when the turn is over.
"""

from asyncio import get_running_loop
from collections.abc import Callable


class Tally:
    """Gathers what is counted in one turn of the event loop. Used in one loop only.

    Args:
        take: Called at the end of the turn with how often was counted, and the sum of the amounts.
    """

    __slots__ = ("_count", "_sum", "_take")

    def __init__(self, take: Callable[[int, float], None]) -> None:
        self._take = take
        self._count = 0
        self._sum = 0.0

    def add(self, amount: float = 0.0) -> None:
        """Count once; called in the event loop."""
        if not self._count:
            get_running_loop().call_soon(self._hand_over)
        self._count += 1
        self._sum += amount

    def _hand_over(self) -> None:
        count, total = self._count, self._sum
        self._count, self._sum = 0, 0.0
        self._take(count, total)
