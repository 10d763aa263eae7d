"""Reads a topic once, up to where it ends now, joining no group and in bounded memory."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import (
    KafkaTimeoutError,
    UnknownTopicOrPartitionError,
    UnsupportedVersionError,
)

from .internals import topic_id
from .ranges import Range, Stretch

_TIMEOUT_MS = 15_000
"""Milliseconds without an answer after which reading fails."""


class TopicReader:
    """Reads ranges of one topic. Every call blocks; not thread-safe.

    Every call raises KafkaError if the brokers do not answer in time, those about what the topic
    holds an UnknownTopicOrPartitionError if there is no such topic.

    Args:
        consumer: A consumer that is in no group; see :func:`kafka_clients.open_reader`.
        topic: What to read.
    """

    def __init__(self, consumer: KafkaConsumer, topic: str) -> None:
        self._consumer = consumer
        self._topic = topic

    def extent(self) -> list[Range]:
        """Return what the topic holds now, by partition."""
        numbers = self._consumer.partitions_for_topic(self._topic)
        if not numbers:
            raise UnknownTopicOrPartitionError(self._topic)
        partitions = [TopicPartition(self._topic, number) for number in sorted(numbers)]
        starts = self._consumer.beginning_offsets(partitions, timeout_ms=_TIMEOUT_MS)
        ends = self._consumer.end_offsets(partitions, timeout_ms=_TIMEOUT_MS)
        return [Range(tp.partition, starts[tp], ends[tp]) for tp in partitions]

    def since(self, timestamp_ms: int) -> list[Range]:
        """Return what the topic holds now from the first message at or after a moment on."""
        return self._since(self.extent(), timestamp_ms)

    def _since(self, extent: list[Range], timestamp_ms: int) -> list[Range]:
        offsets = self._offsets_at(extent, timestamp_ms)
        unknown = [
            each for each in extent if each.start < each.stop and each.partition not in offsets
        ]
        # All messages are from after the epoch: who finds none of them finds nothing by time.
        if unknown and not self._offsets_at(unknown, 0):
            raise UnsupportedVersionError("the brokers do not find offsets by time")
        return [
            # Where there is no message so young, the range is empty.
            whole._replace(start=max(whole.start, offsets.get(whole.partition, whole.stop)))
            for whole in extent
        ]

    def _offsets_at(self, ranges: list[Range], timestamp_ms: int) -> dict[int, int]:
        """Return the first offset at or after a moment, by partition, where there is one."""
        moments = {TopicPartition(self._topic, each.partition): timestamp_ms for each in ranges}
        found = self._consumer.offsets_for_times(moments, timeout_ms=_TIMEOUT_MS)
        return {tp.partition: each.offset for tp, each in found.items() if each}

    def consumed_since(self, timestamp_ms: int) -> list[Stretch]:
        """Return what the consumer's group has committed since a moment, by partition."""
        extent = self.extent()
        wanted = self._since(extent, timestamp_ms)
        return [self._stretch(*each) for each in zip(extent, wanted, strict=True)]

    def _stretch(self, whole: Range, wanted: Range) -> Stretch:
        partition = TopicPartition(self._topic, whole.partition)
        found = self._consumer.committed(partition, timeout_ms=_TIMEOUT_MS)
        # A topic that was made anew may be shorter than what was committed of the former one.
        committed = min(whole.stop, whole.start if found is None else found)
        consumed = wanted._replace(stop=max(wanted.start, committed))
        waiting = whole.stop - max(whole.start, committed)
        return Stretch(consumed, whole.start, waiting, found is not None)

    @property
    def stream(self) -> str | None:
        """Identity of the topic's present incarnation, None if the brokers have none."""
        return topic_id(self._consumer, self._topic)

    def read(self, ranges: Iterable[Range]) -> Iterator[Any]:
        """Yield the records of `ranges`, one range after the other.

        Offsets that the topic no longer has, or never had, are passed over.
        """
        for wanted in ranges:
            if wanted.start < wanted.stop:
                yield from self._read(wanted)

    def _read(self, wanted: Range) -> Iterator[Any]:
        partition = TopicPartition(self._topic, wanted.partition)
        self._consumer.assign([partition])
        self._consumer.seek(partition, wanted.start)
        position, deadline = wanted.start, time.monotonic() + _TIMEOUT_MS / 1000
        while position < wanted.stop:
            for record in self._consumer.poll(timeout_ms=500).get(partition, ()):
                if record.offset < wanted.stop:
                    yield record
            # Past the last record by more than one where a compacted or aborted one was.
            reached = self._consumer.position(partition, timeout_ms=500)
            if reached is not None and reached > position:
                position, deadline = reached, time.monotonic() + _TIMEOUT_MS / 1000
            elif time.monotonic() > deadline:
                raise KafkaTimeoutError(f"{self._topic}/{wanted.partition} at offset {position}")

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close(autocommit=False, timeout_ms=2000)
