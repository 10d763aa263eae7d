"""Retry of transient faults: capped exponential backoff with full jitter.

Full jitter (a delay drawn evenly between zero and the backoff) spreads the callers that
an outage has synchronised; see "Exponential Backoff And Jitter" in the AWS Architecture
Blog. The configured attempts are not a limit after which work is dropped: past them the
backend counts as failing (readiness turns, the log says so), and the call is repeated at
the longest delay until it succeeds or the process is stopping.
"""

import random
import threading
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

import structlog

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class StoppedError(Exception):
    """The process is stopping; what was being retried is abandoned."""


class Policy(NamedTuple):
    """How often, and after which delays, a call is repeated.

    Attributes:
        attempts: Failures after which the outage is reported as one.
        base_delay: Backoff after the first failure, in seconds.
        max_delay: Longest backoff, in seconds.
    """

    attempts: int
    base_delay: float
    max_delay: float

    def backoff(self, failures: int) -> float:
        """Return the longest delay after `failures` failures in a row, in seconds."""
        # The exponent is bounded: 2.0**1024 overflows, and an outage can be that long.
        return min(self.max_delay, self.base_delay * 2.0 ** min(failures - 1, 64))


class Retrying(Protocol):
    """Calls again what failed for a transient reason, until it succeeds; :class:`Retry` is one."""

    def call(self, attempt: Callable[[], T]) -> T:
        """Return what `attempt` returns once it no longer raises a transient error."""


class Retry:
    """Calls until success. One object a backend; it knows whether that backend is failing.

    Thread-safe.

    Args:
        backend: Name for log and metrics, for example ``postgres``.
        policy: Attempts and delays.
        transient: Errors that are retried; any other passes through.
        stopping: Set when the process should end.
        on_retry: Told the backend's name before each repetition.
        uniform: Source of jitter.
        wait: Sleeps for some seconds, and returns whether the process is stopping meanwhile.
        clock: Monotonic seconds, for tests.
    """

    REPORT_EVERY = 60.0
    """Seconds between two log lines about the same outage."""

    def __init__(  # noqa: PLR0913 - time, randomness and sleep come in as parameters
        self,
        backend: str,
        policy: Policy,
        transient: tuple[type[Exception], ...],
        stopping: threading.Event,
        *,
        on_retry: Callable[[str], None] = lambda _: None,
        uniform: Callable[[float, float], float] = random.uniform,
        wait: Callable[[float], bool] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.backend = backend
        self._policy = policy
        self._transient = transient
        self._stopping = stopping
        self._on_retry = on_retry
        self._uniform = uniform
        self._wait = wait or stopping.wait
        self._clock = clock
        self._outages: list[_Outage] = []
        self._reported = float("-inf")

    @property
    def exhausted(self) -> bool:
        """Whether a call has used its attempts up and still fails."""
        return any(outage.failures >= self._policy.attempts for outage in self._outages)

    @property
    def failing_for(self) -> float:
        """Seconds since the first failure of what is failing now, 0 if nothing is."""
        return max((self._clock() - outage.since for outage in self._outages), default=0.0)

    def call(self, attempt: Callable[[], T]) -> T:
        """Return what `attempt` returns once it no longer raises a transient error.

        Blocks for as long as the outage lasts. Several threads may call at once.

        Raises:
            StoppedError: The process is stopping.
        """
        try:
            return attempt()
        except self._transient as error:
            return self._repeat(error, attempt)

    def _repeat(self, error: Exception, attempt: Callable[[], T]) -> T:
        """Repeat `attempt`, which failed with `error`, until it succeeds."""
        outage = _Outage(self._clock())
        self._outages.append(outage)
        try:
            while True:
                outage.failures += 1
                self._report(outage, error)
                self._pause(outage)
                try:
                    result = attempt()
                except self._transient as again:
                    error = again
                else:
                    self._report_end(outage)
                    return result
        finally:
            self._outages.remove(outage)

    def _report(self, outage: "_Outage", error: Exception) -> None:
        """Log the first failures, and then one a minute."""
        due = self._clock() - self._reported >= self.REPORT_EVERY
        if outage.failures < self._policy.attempts or due:
            self._reported = self._clock()
            _log.warning(
                "backend is failing, trying again",
                backend=self.backend,
                failures=outage.failures,
                failing_for=round(self._clock() - outage.since, 1),
                error=str(error),
            )

    def _pause(self, outage: "_Outage") -> None:
        """Sleep a jittered backoff, unless the process is stopping."""
        delay = self._uniform(0.0, self._policy.backoff(outage.failures))
        if self._stopping.is_set() or self._wait(delay):
            raise StoppedError(self.backend)
        self._on_retry(self.backend)

    def _report_end(self, outage: "_Outage") -> None:
        after = round(self._clock() - outage.since, 1)
        _log.info("backend is back", backend=self.backend, after=after)
        self._reported = float("-inf")


class _Outage:
    """One call that is being repeated."""

    def __init__(self, since: float) -> None:
        self.since = since
        self.failures = 0
