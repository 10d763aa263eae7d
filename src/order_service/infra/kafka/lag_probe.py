"""Asks the brokers where the partitions end: the lag, and the proof that a broker answers."""

import contextlib
from collections.abc import Callable

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from .offset_ledger import OffsetLedger
from .progress import ConsumerObserver, ConsumerProgress


class LagProbe:
    """Measures now and then; lives in the thread that owns the consumer.

    Args:
        consumer: The consumer whose partitions are measured.
        ledger: How far they have got.
        progress: Told of every answer.
        observer: Told of it, too, for metrics.
        interval: Seconds between two measurements.
        timeout: Longest wait for the brokers, in seconds.
        clock: Monotonic seconds.
    """

    def __init__(  # noqa: PLR0913 - one argument a collaborator
        self,
        consumer: KafkaConsumer,
        ledger: OffsetLedger,
        progress: ConsumerProgress,
        observer: ConsumerObserver,
        *,
        interval: float,
        timeout: float,
        clock: Callable[[], float],
    ) -> None:
        self._consumer = consumer
        self._ledger = ledger
        self._progress = progress
        self._observer = observer
        self._interval = interval
        self._timeout_ms = round(timeout * 1000)
        self._clock = clock
        self._due = clock()

    def if_due(self) -> None:
        """Measure if the last time is long enough ago. No answer leaves all as it was."""
        if self._ledger.joined and self._clock() >= self._due:
            self._due = self._clock() + self._interval
            with contextlib.suppress(KafkaError):
                self._measure(sorted(self._consumer.assignment()))

    def _measure(self, assigned: list[TopicPartition]) -> None:
        # A spare member, without partitions, still wants to know whether a broker answers.
        asked = assigned or [TopicPartition(topic, 0) for topic in self._consumer.subscription()]
        ends = self._consumer.end_offsets(asked, timeout_ms=self._timeout_ms)
        lag = {tp.partition: max(0, ends[tp] - self._reached(tp)) for tp in assigned}
        self._progress.measured(lag)
        self._observer.lag(lag)
        self._observer.fetched()

    def _reached(self, partition: TopicPartition) -> int:
        """Return the offset up to which messages are stored."""
        reached = self._ledger.reached(partition)
        if reached is None:
            reached = self._consumer.position(partition, timeout_ms=self._timeout_ms)
        return int(reached or 0)
