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


class ConsumerObserver(Protocol):
    """Told how the consumer keeps up, for metrics."""

    def fetched(self) -> None:
        """A broker has just answered."""

    def lag(self, messages: Mapping[int, int]) -> None:
        """Messages that are not stored yet, for each assigned partition."""

    def gap(self, messages: int) -> None:
        """Offsets were skipped: the broker dropped messages before they were read."""

    def paused(self, causes: Mapping[str, int]) -> None:
        """Consumption is paused; `causes` says how often what made it so."""

    def stalled(self) -> None:
        """The watchdog found the consumer stuck."""


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
        observer: Told of what others may want to see, too.
        clock: Monotonic seconds.
    """

    def __init__(
        self, observer: ConsumerObserver, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._observer = observer
        self._clock = clock
        now = clock()
        self._fetched = self._progressed = self._turned = now
        self._lag: Mapping[int, int] | None = None
        self._paused: str | None = None

    def turned(self) -> None:
        """The loop came round."""
        self._turned = self._clock()

    def fetched(self) -> None:
        """A broker answered."""
        self._fetched = self._clock()
        self._observer.fetched()

    def progressed(self) -> None:
        """A batch is stored."""
        self._progressed = self._clock()

    def measured(self, lag: Mapping[int, int]) -> None:
        """The brokers said where the assigned partitions end; `lag` is by partition."""
        self._lag = lag
        self._observer.lag(lag)
        self.fetched()
        if not any(lag.values()):
            self.progressed()

    def skipped(self, messages: int) -> None:
        """`messages` offsets are missing between two that were read."""
        self._observer.gap(messages)

    def paused(self, error: ConsumptionPausedError) -> None:
        """Nothing more is read until a restart."""
        self._paused = error.reason
        self._observer.paused(error.causes)

    def stalled(self) -> None:
        """The watchdog found the consumer stuck."""
        self._observer.stalled()

    def snapshot(self) -> Snapshot:
        """Return the present state."""
        now, lag = self._clock(), self._lag
        return Snapshot(
            partitions=len(lag or ()),
            lag=None if lag is None else sum(lag.values()),
            fetch_age=now - self._fetched,
            progress_age=now - self._progressed,
            loop_age=now - self._turned,
            paused=self._paused,
        )
