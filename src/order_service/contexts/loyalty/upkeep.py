"""Use case: what has to be done now and then, whoever asks or does not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import structlog

from .errors import StorageUnavailableError
from .expiring import Expiring

_log = structlog.get_logger(__name__)


class UpkeepStore(Protocol):
    """What upkeep needs of the storage. Every method raises StorageUnavailableError."""

    def prune_keys(self) -> None:
        """Forget the idempotency keys whose time is over."""

    def overdue(self) -> float:
        """Return for how many seconds the number that waited longest has been due."""


class Upkeep:
    """Forgets old keys, takes expired points, and says how far the pollers are behind.

    Args:
        store: What is kept up.
        expiring: Takes expired points; None if they never expire.
        on_overdue: Told the seconds by which the pollers are behind.
    """

    EXPIRE_EVERY = 60
    """Rounds between two sweeps for expired points."""

    def __init__(
        self,
        store: UpkeepStore,
        expiring: Expiring | None,
        on_overdue: Callable[[float], object],
    ) -> None:
        self._store = store
        self._expiring = expiring
        self._on_overdue = on_overdue
        self._rounds = 0

    def round(self) -> None:
        """Do what is due; a database that is away is left for the next round."""
        with _suppressed():
            self._on_overdue(self._store.overdue())
            self._store.prune_keys()
        with _suppressed():
            if self._expiring and self._rounds % self.EXPIRE_EVERY == 0:
                self._expire(self._expiring)
        self._rounds += 1

    def _expire(self, expiring: Expiring) -> None:
        taken = expiring.sweep()
        if taken:
            _log.info("points have expired", points=taken / 100)


@contextmanager
def _suppressed() -> Iterator[None]:
    try:
        yield
    except StorageUnavailableError as error:
        _log.warning("upkeep waits for the database", error=str(error))
