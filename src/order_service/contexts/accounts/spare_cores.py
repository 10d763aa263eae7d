"""How many cores are left for work that can wait.

A low priority is not enough for that. The kernel lets a thread that has waited run for a slice of
milliseconds whatever its priority, on every core that such work keeps busy, and a request of
microseconds that becomes runnable then waits for the slice to end.
"""

import os
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

_STAT = Path("/proc/stat")
_LOOK_EVERY = 0.25
"""Seconds. The kernel counts in hundredths."""

_ROUNDED_UP = 0.75
"""A core that others need a quarter of at most is spare: to leave it would waste the rest."""

BusySeconds = Callable[[], float | None]
"""Seconds that cores have been busy since the system started; None if nobody counts them."""


def own_cores() -> Collection[int]:
    """Return the numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return range(os.cpu_count() or 1)


class SpareCores:
    """Counts the cores that nothing but work of a low priority uses. Thread-safe.

    Args:
        cores: Those that this process may use, by number.
        busy: What others take of them; by default as Linux counts it.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        cores: Collection[int],
        busy: BusySeconds | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._busy = busy or (lambda: busy_seconds(cores))
        self._clock = clock
        self._all = self._count = len(cores)
        self._last = clock(), self._busy()

    def count(self) -> int:
        """Return how many there were in the last moment, one at least; all if nobody counts."""
        (then, before), now = self._last, self._clock()
        if before is None or now - then < _LOOK_EVERY:
            return self._count
        # Who comes at the same time finds that it was just looked.
        self._last = now, before
        busy = self._busy()
        self._last = now, busy
        if busy is not None:
            spare = self._all - (busy - before) / (now - then)
            self._count = max(1, min(self._all, int(spare + _ROUNDED_UP)))
        return self._count


def busy_seconds(cores: Collection[int], stat: Path = _STAT) -> float | None:
    """Return what these cores have done for others than threads of a low priority; see proc(5)."""
    names, ticks = {f"cpu{core}" for core in cores}, 0
    with suppress(OSError, ValueError, IndexError):
        for line in stat.read_text(encoding="ascii").splitlines():
            name, *fields = line.split()
            if name in names:
                user, _nice, system, _idle, _iowait, irq, softirq = map(int, fields[:7])
                ticks += user + system + irq + softirq
        return ticks / os.sysconf("SC_CLK_TCK")
    return None
