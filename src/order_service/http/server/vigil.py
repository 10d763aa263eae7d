"""Keeps an event loop awake for a moment after an answer, where that pays.

Who asks one thing after the other waits for the awakening of two processes that sleep in turn: it
takes longer than all the rest. A request that comes while the loop is awake is seen at once, and
takes less of the processor. So the loop looks for the next one a moment longer, as Go's runtime
does, but only where it has learnt that there will be one.
"""

import asyncio
from collections.abc import Callable
from time import monotonic

_MOMENT = 60e-6
"""Seconds for which it stays awake: as long as a client takes to ask again, and little more."""

_CROWD = 20e-6
"""Seconds between two answers below which there is enough to do."""

_SELDOM = 300e-6
"""Seconds between two answers above which nobody asks one thing after the other."""

_PATTERN = 4
"""Answers in a row, neither close together nor far apart, that show such a client."""

_MOST_PASSED = 1024
"""Answers after which it is tried again at the latest."""


class Vigil:
    """Watches over the gaps between answers. Used in one event loop.

    Args:
        loop: Kept awake.
        clock: Monotonic seconds.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float] = monotonic
    ) -> None:
        self._loop = loop
        self._clock = clock
        self._last = 0.0
        self._until = 0.0
        self._awake = False
        self._in_a_row = 0
        self._pass = 0
        self._passed = 1

    def answered(self) -> None:
        """Take note of an answer that was given at once."""
        now = self._clock()
        gap = now - self._last
        self._last = now
        if gap < _CROWD:
            self._in_a_row = 0
            self._until = 0.0
        elif self._awake:
            self._until = now + _MOMENT
            self._passed = 1
        elif gap < _SELDOM:
            self._in_a_row += 1
            if self._in_a_row >= _PATTERN:
                self._wake(now)
        else:
            self._in_a_row = 0

    def _wake(self, now: float) -> None:
        if self._pass:
            self._pass -= 1
            return
        self._awake = True
        self._until = now + _MOMENT
        self._loop.call_soon(self._watch)

    def _watch(self) -> None:
        if self._clock() < self._until:
            self._loop.call_soon(self._watch)
            return
        self._awake = False
        if self._until:  # in vain: the longer, the more often
            self._passed = min(self._passed * 2, _MOST_PASSED)
            self._pass = self._passed
