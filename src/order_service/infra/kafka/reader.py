"""Reads a topic once, up to where it ends now, without a group and in bounded memory."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError, UnknownTopicOrPartitionError


class Range(NamedTuple):
    """Offsets of one partition, from `start` to before `stop`."""

    partition: int
    start: int
    stop: int


class TopicReader:
    """Reads ranges of one topic. Every call blocks; not thread-safe.

    Args:
        consumer: A consumer without a group; see :func:`kafka_clients.open_reader`.
        topic: What to read.
        timeout: Seconds without an answer after which reading fails.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        consumer: KafkaConsumer,
        topic: str,
        timeout: float = 15.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._consumer = consumer
        self._topic = topic
        self._timeout = timeout
        self._clock = clock

    def extent(self) -> list[Range]:
        """Return what the topic holds now, by partition.

        Raises:
            UnknownTopicOrPartitionError: There is no such topic.
            KafkaError: The brokers do not answer in time.
        """
        numbers = self._consumer.partitions_for_topic(self._topic)
        if not numbers:
            raise UnknownTopicOrPartitionError(self._topic)
        partitions = [TopicPartition(self._topic, number) for number in sorted(numbers)]
        timeout_ms = round(self._timeout * 1000)
        starts = self._consumer.beginning_offsets(partitions, timeout_ms=timeout_ms)
        ends = self._consumer.end_offsets(partitions, timeout_ms=timeout_ms)
        return [Range(tp.partition, starts[tp], ends[tp]) for tp in partitions]

    def read(self, ranges: Iterable[Range]) -> Iterator[Any]:
        """Yield the records of `ranges`, one range after the other.

        Offsets that the topic no longer has, or never had, are passed over.

        Raises:
            KafkaError: The brokers do not answer in time.
        """
        for wanted in ranges:
            if wanted.start < wanted.stop:
                yield from self._read(wanted)

    def _read(self, wanted: Range) -> Iterator[Any]:
        partition = TopicPartition(self._topic, wanted.partition)
        self._consumer.assign([partition])
        self._consumer.seek(partition, wanted.start)
        position, deadline = wanted.start, self._clock() + self._timeout
        while position < wanted.stop:
            for record in self._consumer.poll(timeout_ms=500).get(partition, ()):
                if record.offset < wanted.stop:
                    yield record
            # Past the last record by more than one where a compacted or aborted one was.
            reached = self._consumer.position(partition, timeout_ms=500)
            if reached is not None and reached > position:
                position, deadline = reached, self._clock() + self._timeout
            elif self._clock() > deadline:
                raise KafkaTimeoutError(f"{self._topic}/{wanted.partition} at offset {position}")

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close(autocommit=False, timeout_ms=2000)
