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
        self._most = most
        self._places = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self._guests = 0
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

    def enter_now(self) -> None:
        """Hold a place inside without waiting for one; `leave_now` gives it back.

        Who cannot wait takes no thread with it: one too many is let in as long as the others come
        out.

        Raises:
            FullError: It is full, and nobody comes out.
        """
        with self._lock:
            now = self._clock()
            if self._guests < self._most:
                self._moved = now
            elif self._moved + self._stall_timeout <= now:
                raise FullError
            self._guests += 1

    def leave_now(self) -> None:
        """Give the place back."""
        with self._lock:
            self._moved = self._clock()
            self._guests -= 1

    def _enter(self) -> None:
        while not self._places.acquire(blocking=False):
            left = self._moved + self._stall_timeout - self._clock()
            if left <= 0:
                raise FullError
            if self._places.acquire(timeout=left):
                break
        self._moved = self._clock()
