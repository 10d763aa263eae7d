"""What a consumer has reached, readable from other threads: health, metrics, watchdog.

The library reports neither a broker that is gone nor a topic that was deleted; polls just
stay empty. So the loop asks the brokers for the end of its partitions every few seconds,
and the age of the last answer, whatever it was that brought it, is what tells.
"""

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol


class ConsumptionPausedError(Exception):
    """Consumption must not go on until a person has looked and restarted the consumer.

    Attributes:
        reason: Why, in one sentence that anybody may read.
        causes: How often each single cause occurred.
    """

    def __init__(self, reason: str, causes: Mapping[str, int]) -> None:
        super().__init__(reason)
        self.reason = reason
        self.causes = causes


class BatchObserver(Protocol):
    """Told of every batch, for metrics."""

    def taken(self, messages: int, size: int) -> None:
        """A batch of `messages` messages and `size` bytes was read."""

    def took(self, stage: str, seconds: float) -> None:
        """One stage of a batch took `seconds`: decode, store, or commit.

        Told in the loop's thread: a commit is for the batches whose store was told before it, and
        for no other, even if another has been stored meanwhile.
        """


class ConsumerObserver(Protocol):
    """Told how the consumer keeps up, for metrics."""

    def fetched(self) -> None:
        """A broker has just answered."""

    def lag(self, messages: Mapping[int, int]) -> None:
        """Messages that are not stored yet, for each assigned partition."""

    def gap(self, messages: int) -> None:
        """Offsets were skipped: the broker dropped messages before they were read."""

    def paused(self, *, now: bool, causes: Mapping[str, int]) -> None:
        """Consumption is paused or not; `causes` says how often what made it so."""


class Snapshot(NamedTuple):
    """The consumer at one moment; ages in seconds.

    Attributes:
        partitions: How many are assigned.
        lag: Messages that are not yet durably stored, None while unknown.
        fetch_age: Since a broker last answered.
        progress_age: Since the last batch was stored, or the lag was last seen to be 0.
        loop_age: Since the loop last turned.
        paused: Why consumption is paused, or None.
    """

    partitions: int
    lag: int | None
    fetch_age: float
    progress_age: float
    loop_age: float
    paused: str | None


class ConsumerProgress:
    """Written by the consumer loop, read by anybody.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        now = clock()
        self._fetched = self._progressed = self._turned = now
        self._lag: Mapping[int, int] | None = None
        self._partitions = 0
        self.paused: str | None = None

    def turned(self) -> None:
        """The loop came round."""
        self._turned = self._clock()

    def fetched(self) -> None:
        """A broker answered."""
        self._fetched = self._clock()

    def progressed(self) -> None:
        """A batch is stored."""
        self._progressed = self._clock()

    def measured(self, lag: Mapping[int, int]) -> None:
        """The brokers said where the assigned partitions end."""
        self._lag = lag
        self._partitions = len(lag)
        self.fetched()
        if not any(lag.values()):
            self.progressed()

    def snapshot(self) -> Snapshot:
        """Return the present state."""
        now = self._clock()
        return Snapshot(
            partitions=self._partitions,
            lag=None if self._lag is None else sum(self._lag.values()),
            fetch_age=now - self._fetched,
            progress_age=now - self._progressed,
            loop_age=now - self._turned,
            paused=self.paused,
        )
