"""A bulkhead: how many threads may wait for one backend at the same time.

Threads are what a server has few of. Without a bound, a backend that hangs gathers all of
them, and what needs no backend at all waits with the rest.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator


class FullError(Exception):
    """As many callers as may wait are waiting, and it does not get better."""


class Bulkhead:
    """Lets a bounded number of callers in at once. Thread-safe.

    Who finds it full queues as long as others come out, which is how a busy backend looks.
    Once nobody has come or gone for the length of `stall_timeout`, the backend hangs, and whoever
    comes is sent away at once.

    Args:
        most: Callers inside at the same time.
        stall_timeout: Seconds.
        clock: Monotonic seconds.
    """

    def __init__(
        self, most: int, stall_timeout: float = 0.5, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._places = threading.BoundedSemaphore(most)
        self._stall_timeout = stall_timeout
        self._clock = clock
        self._moved = clock()

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Hold a place inside.

        Raises:
            FullError: There is none.
        """
        self._enter()
        try:
            yield
        finally:
            self._moved = self._clock()
            self._places.release()

    def _enter(self) -> None:
        while not self._places.acquire(blocking=False):
            left = self._moved + self._stall_timeout - self._clock()
            if left <= 0:
                raise FullError
            if self._places.acquire(timeout=left):
                break
        self._moved = self._clock()
