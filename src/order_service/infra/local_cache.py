"""A small in-process cache with a short lifetime.

Entries live for a second or so, in which the order of their use says little: the oldest
is evicted, and a hit is one dictionary read without a lock. Some live shorter than others: entries
that were made together must not all end together, or their renewal would hold up everything
else once in every lifetime.
"""

import random
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

V = TypeVar("V")

_FRESH = 0.8
"""Share of a lifetime after which an entry that is asked for should be renewed."""


class LocalCache(Generic[V]):
    """Maps strings to values for a short time. Thread-safe.

    Args:
        size: Most entries; 0 turns the cache off.
        ttl: Longest lifetime of an entry in seconds; the shortest is half of it.
        clock: Monotonic seconds.
        uniform: Random numbers from 0 to below 1.

    Attributes:
        ending: Called with a key that is asked for when most of its lifetime is over.
    """

    def __init__(
        self,
        size: int,
        ttl: float,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[], float] = random.random,
    ) -> None:
        self._size = size
        self._ttl = ttl
        self._clock = clock
        self._uniform = uniform
        # A plain dictionary looks for its oldest key among all that were removed before.
        self._entries: OrderedDict[str, tuple[float, float, V]] = OrderedDict()
        self.ending: Callable[[str], None] = _ignore

    def get(self, key: str) -> V | None:
        """Return the value, None if there is none or its time is up."""
        kept = self.look(key)
        return None if kept is None else kept[0]

    def look(self, key: str) -> tuple[V, float] | None:
        """Return the value, and until when by the clock there is no need to ask again."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        fresh, end, value = entry
        now = self._clock()
        if fresh < now:
            if end < now:
                return None
            self.ending(key)
        return value, fresh

    def put(self, key: str, value: V) -> None:
        """Keep `value` for a lifetime between half the longest and the longest."""
        if not self._size:
            return
        entries = self._entries
        entries.pop(key, None)  # so that it becomes the youngest
        while len(entries) >= self._size:
            with suppress(KeyError):  # another thread was faster
                entries.popitem(last=False)
        now, lifetime = self._clock(), self._ttl * (1 - self._uniform() / 2)
        entries[key] = (now + lifetime * _FRESH, now + lifetime, value)


def _ignore(_: str) -> None:
    pass
