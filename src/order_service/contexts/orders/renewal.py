"""Orders that are asked for over and over are read anew before their time in the process is up.

Somebody would have to wait for each of them otherwise, once in every lifetime, and each would be a
question of its own to the shared cache. Read ahead, many of them share one, and nobody waits.
"""

import threading

from order_service.infra.local_cache import LocalCache

from .model import Document
from .ports import Absent, OrderCache

_GATHERED = 0.04
"""Seconds in which keys are gathered; much less than what is left of a lifetime then."""

_NOTICED = 0.2
"""Longest time in seconds until a stop is noticed."""

_AT_ONCE = 64
"""Orders of one question: all answers are in memory at the same time."""


class Renewal:
    """Reads the entries of the in-process level anew that it tells of. Thread-safe.

    Args:
        cache: The shared cache. What it does not have is left to the next lookup.
        local: The in-process level.
    """

    def __init__(self, cache: OrderCache, local: LocalCache[Document]) -> None:
        self._cache = cache
        self._local = local
        self._ending: set[str] = set()
        self._some = threading.Event()

    def note(self, uid: str) -> None:
        """Have an order read anew soon."""
        self._ending.add(uid)
        if not self._some.is_set():
            self._some.set()

    def run(self, stopping: threading.Event) -> None:
        """Read anew until `stopping` is set, and a moment longer."""
        while not stopping.is_set():
            if self._some.wait(_NOTICED) and not stopping.wait(_GATHERED):
                self.renew()

    def renew(self) -> None:
        """Read all anew that was noted."""
        self._some.clear()
        noted, self._ending = self._ending, set()
        uids = list(noted)
        for first in range(0, len(uids), _AT_ONCE):
            found = self._cache.get_many(uids[first : first + _AT_ONCE])
            for uid, document in found.items():
                if not isinstance(document, Absent):
                    self._local.put(uid, document)
