"""How other threads have the event loop do something: many calls, one awakening."""

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

_log = structlog.get_logger(__name__)


class Mailbox:
    """Calls that wait for the event loop. Thread-safe.

    To wake a loop up is a system call and a change of threads; whoever comes while it wakes up is
    served with the others.

    Args:
        loop: Makes the calls, in the order in which they were posted.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._calls: deque[Callable[[], None]] = deque()
        self._woken = False

    def post(self, call: Callable[[], None]) -> None:
        """Have `call` made by the loop; returns at once."""
        self._calls.append(call)
        if not self._woken:
            self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._empty)
            except RuntimeError:  # the loop has ended, and with it all connections
                self._calls.clear()

    def _empty(self) -> None:
        # Before it is looked into: what is posted meanwhile is found, or wakes the loop again.
        self._woken = False
        calls = self._calls
        while calls:
            call = calls.popleft()
            try:
                call()
            except Exception:  # noqa: BLE001 - the others are made all the same
                _log.exception("a call in the event loop failed")
