"""What each process does in the background: knows keys and ended sessions, forgets what is old.

Two threads do it: deleting may take seconds, and no revocation waits for it.
"""

import threading
import time
from collections.abc import Callable, Sequence

import structlog

from order_service.context.upkeep import start_repeating

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

    def start(self) -> Sequence[threading.Thread]:
        """Refresh once, blocking, then refresh and prune again and again in the background."""
        self.refresh()
        return [
            start_repeating(work, EVERY, self._stopping, AccountsUnavailableError)
            for work in (self.refresh, self.prune)
        ]

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
    except Exception as error:  # noqa: BLE001 - what comes after it is refreshed all the same
        _log.exception("the upkeep of accounts broke")
        return repr(error)
    return ""
