"""A small in-process cache with a short lifetime.

Entries live for a second or so, in which the order of their use says little: the oldest
is evicted, and a hit is one dictionary read without a lock. Some live shorter than others: entries
that were made together must not all end together, or their renewal would hold up everything
else once in every lifetime.
"""

import random
import time
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
        self._entries: dict[str, tuple[float, float, V]] = {}
        self.ending: Callable[[str], None] = _ignore

    def get(self, key: str) -> V | None:
        """Return the value, None if there is none or its time is up."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        fresh, end, value = entry
        now = self._clock()
        if fresh < now:
            if end < now:
                return None
            self.ending(key)
        return value

    def put(self, key: str, value: V) -> None:
        """Keep `value` for a lifetime between half the longest and the longest."""
        if not self._size:
            return
        entries = self._entries
        entries.pop(key, None)  # so that it becomes the youngest
        while len(entries) >= self._size:
            # Another thread may change the dictionary before its oldest key is read.
            with suppress(RuntimeError):
                entries.pop(next(iter(entries), ""), None)
        now, lifetime = self._clock(), self._ttl * (1 - self._uniform() / 2)
        entries[key] = (now + lifetime * _FRESH, now + lifetime, value)


def _ignore(_: str) -> None:
    pass
