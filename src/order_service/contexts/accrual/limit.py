"""The limit of requests that this system answers: so many a minute, then none until it is over."""

import math
import threading
import time
from collections.abc import Callable

_MINUTE = 60.0


class RequestLimit:
    """Counts requests by the minute, from the first one on. Thread-safe.

    Args:
        limit: Most requests a minute; 0 for any number.
        clock: Monotonic seconds.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._ends = -math.inf
        self._count = 0

    def wait(self) -> int:
        """Count a request; return 0 if it may be answered, else the seconds until one may."""
        if not self.limit:
            return 0
        with self._lock:
            now = self._clock()
            if now >= self._ends:
                self._ends, self._count = now + _MINUTE, 0
            if self._count >= self.limit:
                return math.ceil(self._ends - now)
            self._count += 1
            return 0
