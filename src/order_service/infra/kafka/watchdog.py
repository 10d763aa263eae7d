"""Ends a consumer that makes no progress, so that its supervisor starts a fresh one.

A record with a broken checksum or a client that lost its way makes polls return nothing
for ever without an error. Nothing within the process cures that; a new one does, and
loses nothing, because only stored messages are committed.
"""

import os
import threading
from collections.abc import Callable

import structlog

from .progress import ConsumerProgress, Snapshot

EXIT_CODE = 70
"""Exit code of a process that was ended for being stuck (EX_SOFTWARE of sysexits.h)."""

_log = structlog.get_logger(__name__)


def stuck(snapshot: Snapshot, timeout: float, *, waiting: bool) -> str | None:
    """Return why a consumer counts as stuck, None if it does not.

    Args:
        snapshot: Its state.
        timeout: Seconds after which it counts as stuck.
        waiting: It waits for a backend that is away, which a restart would not mend.
    """
    if snapshot.loop_age > timeout:
        return "the loop stands still"
    if waiting or snapshot.paused:
        return None
    if snapshot.fetch_age > timeout:
        return "no broker answers"
    if snapshot.lag and snapshot.progress_age > timeout:
        return "no progress while there is lag"
    return None


class Watchdog:
    """Watches a consumer from a thread of its own.

    Args:
        progress: What the consumer has reached; told if it is stuck.
        timeout: Seconds without progress after which it counts as stuck.
        waiting: Tells whether it waits for a backend.
        end: Ends the process; without cleaning up, which might hang as well.
    """

    def __init__(
        self,
        progress: ConsumerProgress,
        timeout: float,
        waiting: Callable[[], bool],
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._progress = progress
        self._timeout = timeout
        self._waiting = waiting
        self._end = end

    def start(self, stopping: threading.Event) -> None:
        """Look once a second until `stopping` is set."""
        threading.Thread(target=self._run, args=(stopping,), name="watchdog", daemon=True).start()

    def _run(self, stopping: threading.Event) -> None:
        while not stopping.wait(1.0):
            self.look()

    def look(self) -> None:
        """End the process if the consumer is stuck."""
        snapshot = self._progress.snapshot()
        reason = stuck(snapshot, self._timeout, waiting=self._waiting())
        if reason:
            self._progress.stalled()
            _log.critical("the consumer is stuck, ending it", reason=reason, **snapshot._asdict())
            self._end(EXIT_CODE)
