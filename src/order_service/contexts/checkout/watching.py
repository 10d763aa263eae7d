"""Use case: follow a purchase while it changes, for a time and for a few at once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from .errors import StorageUnavailableError
from .model import Purchase


class WatchTimes(NamedTuple):
    """How a purchase is watched; all in seconds.

    Attributes:
        longest: After this the watching ends, whatever the purchase does.
        first: Between the first two looks; grows with each look in vain.
        slowest: Between two looks at the most.
        silent: After this without news a sign of life is given.
    """

    longest: float = 25.0
    first: float = 0.1
    slowest: float = 0.5
    silent: float = 5.0


class Watching:
    """Watches purchases; each watched one takes a thread, so that their number is bounded.

    Args:
        most: How many at once.
        stopping: Ends all of them.
        clock: Monotonic seconds.
        times: How long and how often.
    """

    def __init__(
        self,
        most: int,
        stopping: threading.Event,
        clock: Callable[[], float],
        times: WatchTimes = WatchTimes(),  # noqa: B008 - immutable
    ) -> None:
        self._places = threading.BoundedSemaphore(most)
        self._stopping = stopping
        self._clock = clock
        self._times = times

    @contextmanager
    def place(self) -> Iterator[bool]:
        """Take a place for the length of the block, if one is free; say whether one was."""
        taken = self._places.acquire(blocking=False)
        try:
            yield taken
        finally:
            if taken:
                self._places.release()

    def follow(self, first: Purchase, look: Callable[[], Purchase]) -> Iterator[Purchase | None]:
        """Yield a purchase at once and whenever its status changed, until it is final.

        Yields None when there was no news for a while. Ends, too, when time is up or the storage
        is away: whoever watches may come again.
        """
        yield first
        end = self._clock() + self._times.longest
        seen, pause, told = first, self._times.first, self._clock()
        while not seen.status.final and self._clock() < end and not self._stopping.wait(pause):
            try:
                found = look()
            except StorageUnavailableError:
                return
            pause = min(pause * 1.5, self._times.slowest)
            if found.status is not seen.status:
                seen, told = found, self._clock()
                yield found
            elif self._clock() - told >= self._times.silent:
                told = self._clock()
                yield None
