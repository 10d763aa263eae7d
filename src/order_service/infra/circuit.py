"""Circuit breaker: after a failure a backend is left alone for a moment.

Without it every request would pay the timeout of a backend that hangs. After the pause
one caller is let through to try; the others still go around until it has succeeded.
"""

import threading
import time
from collections.abc import Callable


class CircuitBreaker:
    """Remembers that a backend failed. Thread-safe.

    Args:
        pause: Seconds for which the circuit stays open after a failure.
        clock: Monotonic seconds.
        probe: Seconds that a call may take. No second probe starts before: while the backend
            hangs, they would gather all threads.
    """

    def __init__(
        self, pause: float, clock: Callable[[], float] = time.monotonic, probe: float = 0.0
    ) -> None:
        self._pause = pause
        self._probe = max(pause, probe)
        self._clock = clock
        self._lock = threading.Lock()
        self._retry_at: float | None = None

    @property
    def closed(self) -> bool:
        """Whether the backend is believed to be well."""
        return self._retry_at is None

    def allows(self) -> bool:
        """Return whether the caller may ask the backend now.

        Whoever gets True after an opening is the probe; the next one comes a pause after its
        end.
        """
        # The common case is one attribute read; the lock is for the rare one.
        return self.closed or self._may_probe()

    def _may_probe(self) -> bool:
        with self._lock:
            now = self._clock()
            if self._retry_at is not None and now < self._retry_at:
                return False
            self._retry_at = now + self._probe
            return True

    def succeeded(self) -> None:
        """Close the circuit."""
        if self._retry_at is not None:
            with self._lock:
                self._retry_at = None

    def failed(self) -> None:
        """Open the circuit for a pause from now."""
        with self._lock:
            self._retry_at = self._clock() + self._pause
