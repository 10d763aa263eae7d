"""Asks the brokers where the partitions end: the lag, and the proof that a broker answers."""

import contextlib
import time

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from .offset_tracker import OffsetTracker
from .progress import ConsumerProgress
from .timing import Timing


class LagProbe:
    """Measures now and then; lives in the thread that owns the consumer.

    Args:
        consumer: The consumer whose partitions are measured.
        offsets: How far they have got.
        progress: Told of every answer.
        timing: How often it measures, and how long it waits for the brokers.
    """

    def __init__(
        self,
        consumer: KafkaConsumer,
        offsets: OffsetTracker,
        progress: ConsumerProgress,
        timing: Timing,
    ) -> None:
        self._consumer = consumer
        self._offsets = offsets
        self._progress = progress
        self._interval = timing.lag_probe
        self._timeout_ms = round(timing.probe_timeout * 1000)
        self._due = time.monotonic()
        self._measured: set[TopicPartition] = set()

    def if_due(self) -> None:
        """Measure if the last time is long enough ago, or was of other partitions.

        No answer leaves all as it was.
        """
        if not self._offsets.joined:
            return
        assigned = self._consumer.assignment()
        if assigned != self._measured or time.monotonic() >= self._due:
            self._due = time.monotonic() + self._interval
            self._measured = assigned
            with contextlib.suppress(KafkaError):
                self._measure(sorted(assigned))

    def _measure(self, assigned: list[TopicPartition]) -> None:
        # A spare member, without partitions, still wants to know whether a broker answers.
        asked = assigned or [TopicPartition(topic, 0) for topic in self._consumer.subscription()]
        ends = self._consumer.end_offsets(asked, timeout_ms=self._timeout_ms)
        self._progress.measured(
            {tp.partition: max(0, ends[tp] - self._reached(tp)) for tp in assigned}
        )

    def _reached(self, partition: TopicPartition) -> int:
        """Return the offset up to which messages are stored."""
        reached = self._offsets.reached(partition)
        if reached is None:
            reached = self._consumer.position(partition, timeout_ms=self._timeout_ms)
        return int(reached or 0)
