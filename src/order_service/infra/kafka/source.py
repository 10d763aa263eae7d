"""Reads batches from the topic: records with the identity of their stream, gaps told.

Everything here belongs to the thread that owns the consumer.
"""

import contextlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import structlog
from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from .clients import insist_on_rejoin
from .fetch_pacing import FetchPacing
from .offset_ledger import OffsetLedger
from .progress import BatchObserver, ConsumerObserver, ConsumerProgress

_log = structlog.get_logger(__name__)

Record = Any

_JOIN = 1.0
"""Seconds of a poll while the group is being joined; a join that is cut short starts again."""


_AFTER_FAILURE = 0.5
"""Seconds until the next poll after one that raised."""


class RecordSource:
    """One topic as seen by one member of its group.

    Args:
        consumer: Owned by the thread that calls.
        topic: What to read.
        ledger: Told of all that is read.
        progress: Told of every answer of a broker.
        observer: Told of it, too, and of gaps.
        timeout: Longest wait for the committed offset of a partition, in seconds.
        linger: Longest time that brokers gather messages of a stream, in seconds.
        sleep: Waits some seconds, for tests.

    Attributes:
        stream: Identity of the topic's present incarnation, None if it is not known.
    """

    def __init__(  # noqa: PLR0913 - one argument a collaborator
        self,
        consumer: KafkaConsumer,
        topic: str,
        *,
        ledger: OffsetLedger,
        progress: ConsumerProgress,
        observer: ConsumerObserver,
        timeout: float,
        linger: float = 0.0,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._sleep = sleep
        self.stream: str | None = None
        self._consumer = consumer
        self._topic = topic
        self._ledger = ledger
        self._progress = progress
        self._observer = observer
        self._timeout_ms = round(timeout * 1000)
        self._stream_changed = False
        self._pacing = FetchPacing(consumer, linger)

    def join(self) -> None:
        """Subscribe. The partitions come with a later poll."""
        self._learn_partitions()
        self._consumer.subscribe([self._topic], listener=_Keeping(self._ledger))

    def _learn_partitions(self) -> None:
        """Fetch the topic's metadata: a group leader without them assigns no partition at all.

        It would notice only with the next rebalance, up to a session timeout later.
        """
        with contextlib.suppress(KafkaError):
            self._consumer.partitions_for_topic(self._topic)

    def poll(self, seconds: float) -> list[Record]:
        """Return what comes within `seconds`, of each partition in the order of its offsets."""
        before = self._topic_id()
        polled = self._poll(seconds)
        after = self._topic_id()
        self._stream_changed |= before not in {None, after}
        self.stream = None if self._stream_changed else after
        self._pacing.polled(messages=bool(polled), waited=seconds > 0)
        if polled:
            self._heard()
        for partition, records in polled.items():
            self._look_for_gap(partition, records)
        return [record for records in polled.values() for record in records]

    def more_waiting(self) -> bool:
        """Return whether messages wait behind those that were polled, as far as is known.

        A partition that no broker has answered for yet may hold some.
        """
        return any(map(self._is_behind, self._consumer.assignment()))

    def _is_behind(self, partition: TopicPartition) -> bool:
        end = self._consumer.highwater(partition)
        if end is None:
            return True
        position = self._consumer.position(partition, timeout_ms=self._timeout_ms)
        return position is None or int(end) > int(position)

    def _poll(self, seconds: float) -> Mapping[TopicPartition, list[Record]]:
        """Poll for `seconds`, longer if the group has to be joined: that needs its time.

        The library hides most of a broker's absence, but not all of it: a coordinator that
        refuses the connection comes up here. That is no reason to leave the group.
        """
        least = _JOIN if insist_on_rejoin(self._consumer) else 0.0
        try:
            polled: Mapping[TopicPartition, list[Record]] = self._consumer.poll(
                timeout_ms=round(max(seconds, least) * 1000)
            )
        except KafkaError as error:
            _log.warning("polling failed, trying again", error=repr(error))
            self._sleep(_AFTER_FAILURE)
            return {}
        return polled

    def _heard(self) -> None:
        self._progress.fetched()
        self._observer.fetched()

    def _topic_id(self) -> str | None:
        """Return the id of the topic's present incarnation; older brokers have none.

        Once a topic was re-created under this consumer, buffered records of the old one
        cannot be told from those of the new one, so from then on there is no id.
        """
        topic_id = self._consumer._cluster.topic_id(self._topic)  # noqa: SLF001 - no public way
        return str(topic_id) if topic_id else None

    def _look_for_gap(self, partition: TopicPartition, records: Sequence[Record]) -> None:
        """Tell of offsets that no message came for.

        Retention, a full in-memory broker, compaction and transactions leave gaps; the
        first two are lost orders, and nothing else would ever say so.
        """
        first, last = records[0].offset, records[-1].offset
        expected = self._ledger.expected(partition)
        if expected is None:
            expected = self._committed(partition)
        if expected is not None and first > expected:
            self._observer.gap(first - expected)
            _log.warning(
                "offsets were skipped, the broker no longer has these messages",
                partition=partition.partition,
                expected=expected,
                first=first,
            )
        self._ledger.read(partition, first, last)

    def _committed(self, partition: TopicPartition) -> int | None:
        try:
            offset = self._consumer.committed(partition, timeout_ms=self._timeout_ms)
        except KafkaError:
            return None
        return offset if offset is None else int(offset)

    def stay_member(self) -> None:
        """Poll without taking anything, because who does not poll is expelled."""
        assigned = self._consumer.assignment()
        self._consumer.pause(*assigned)
        polled = self._poll(0)
        for partition, records in polled.items():
            # Assigned by this very poll, hence not paused: read it again later.
            self._consumer.seek(partition, records[0].offset)
        self._consumer.resume(*self._consumer.paused())


def size_of(record: Record) -> int:
    """Return the bytes of key and value."""
    value: int = record.serialized_value_size
    key: int = record.serialized_key_size
    # Of what is missing the size is -1.
    return (max(0, value)) + (max(0, key))


def split(
    records: Sequence[Record], max_bytes: int, observer: BatchObserver
) -> Iterator[Sequence[Record]]:
    """Yield `records` in batches of at most `max_bytes`, one larger record alone."""
    start = size = 0
    for index, record in enumerate(records):
        length = size_of(record)
        if size and size + length > max_bytes:
            observer.taken(index - start, size)
            yield records[start:index]
            start, size = index, 0
        size += length
    if records:
        observer.taken(len(records) - start, size)
        yield records[start:]


class _Keeping(ConsumerRebalanceListener):  # type: ignore[misc]  # untyped library
    """Trims the ledger to the partitions that came. Must not block, says the library."""

    def __init__(self, ledger: OffsetLedger) -> None:
        self._ledger = ledger

    def on_partitions_revoked(self, revoked: object) -> None:
        """Keep all: what is stored may still be committed."""

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Forget the partitions that others read now; `assigned` are all of ours."""
        self._ledger.keep(set(assigned))
