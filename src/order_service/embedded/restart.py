"""When a child that died is started again: capped exponential backoff with jitter.

Pure of clocks and randomness, which come in as parameters, so that the policy is tested without
waiting.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RestartLimits:
    """The numbers of a restart policy; all times in seconds.

    Attributes:
        base_delay: ceiling of the first delay; it doubles with every death in a row.
        max_delay: ceiling that the doubling never passes.
        stable_after: a child that was up this long is taken as sound and starts over.
        loop_deaths: this many deaths inside `loop_window` are called a crash loop.
        loop_window: see `loop_deaths`.
    """

    base_delay: float = 0.2
    max_delay: float = 15.0
    stable_after: float = 20.0
    loop_deaths: int = 5
    loop_window: float = 60.0


@dataclass(frozen=True, slots=True)
class RestartDecision:
    """What follows from one death: a delay, and how many deaths there were in the window (s)."""

    delay: float
    recent_deaths: int
    window: float
    crash_loop: bool


class RestartPolicy:
    """Remembers the deaths of one child and decides how long to wait after the next one.

    `jitter` returns a number in [0, 1); a delay lies between half its ceiling and the ceiling, so
    that children that died together do not come back in step.
    """

    def __init__(self, limits: RestartLimits, jitter: Callable[[], float]) -> None:
        self._limits = limits
        self._jitter = jitter
        self._in_a_row = 0
        self._deaths: deque[float] = deque()

    def died(self, now: float, uptime: float) -> RestartDecision:
        """Record a death at `now` after `uptime` seconds of life; both on one monotonic clock."""
        self._in_a_row = 1 if uptime >= self._limits.stable_after else self._in_a_row + 1
        self._deaths.append(now)
        while self._deaths[0] <= now - self._limits.loop_window:
            self._deaths.popleft()
        recent = len(self._deaths)
        return RestartDecision(
            self._delay(), recent, self._limits.loop_window, recent >= self._limits.loop_deaths
        )

    def _delay(self) -> float:
        # The exponent is bounded: a child that dies for days must not overflow a float.
        doublings = min(self._in_a_row - 1, 32)
        ceiling = min(self._limits.max_delay, self._limits.base_delay * 2.0**doublings)
        return ceiling * (0.5 + 0.5 * self._jitter())
