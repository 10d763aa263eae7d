"""What each process does in the background: knows keys and ended sessions, forgets what is old."""

import threading
import time
from collections.abc import Callable

import structlog

from .errors import AccountsUnavailableError

_log = structlog.get_logger(__name__)

EVERY = 1.0
"""Seconds between two readings: a revocation reaches every process within twice as long."""

PRUNE_EVERY = 600.0
"""Seconds between two prunings."""

MANY = 5000
"""Rows after whose deletion there are likely more to delete."""


class Upkeep:
    """Refreshes what must be known, once a second, and prunes now and then.

    Args:
        refreshes: Each reads something again; raises AccountsUnavailableError if it cannot.
        prune: Deletes a step of what is old; returns how much that was.
        stopping: Set when the process should end.
        first_prune: Seconds until the first pruning: not all processes at once.
    """

    def __init__(
        self,
        refreshes: tuple[Callable[[], None], ...],
        prune: Callable[[], int],
        stopping: threading.Event,
        first_prune: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._refreshes = refreshes
        self._prune = prune
        self._stopping = stopping
        self._clock = clock
        self._prune_at = clock() + first_prune
        self._failing = False

    def start(self) -> threading.Thread:
        """Refresh once, blocking, then again and again in the background."""
        self.refresh()
        thread = threading.Thread(target=self._run, name="accounts-upkeep", daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        while not self._stopping.wait(EVERY):
            try:
                self.refresh()
                self.prune()
            except Exception:  # noqa: BLE001 - without this thread no session could be revoked
                _log.exception("the upkeep of accounts broke")

    def refresh(self) -> None:
        """Refresh everything; the log says once that something cannot be, and once that it can."""
        failures = [error for refresh in self._refreshes if (error := _failure(refresh))]
        if failures and not self._failing:
            _log.warning("keys or sessions cannot be read; what is known stays", error=failures[0])
        elif self._failing and not failures:
            _log.info("keys and sessions are read again")
        self._failing = bool(failures)

    def prune(self) -> None:
        """Prune if it is time to; again at once as long as there is a lot to delete."""
        if self._clock() < self._prune_at or self._failing:
            return
        try:
            deleted = self._prune()
        except AccountsUnavailableError as error:
            _log.warning("old entries of accounts cannot be deleted now", error=str(error))
            deleted = 0
        self._prune_at = self._clock() + (0.0 if deleted >= MANY else PRUNE_EVERY)


def _failure(refresh: Callable[[], None]) -> str:
    try:
        refresh()
    except AccountsUnavailableError as error:
        return str(error)
    return ""
