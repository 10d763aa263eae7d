"""A member of a consumer group: polls, tells gaps, commits, stays.

Everything here belongs to the thread that owns the consumer. What the library lets through or
gets wrong ends here; the loop above knows nothing of it.
"""

import contextlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence

import structlog
from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from .batching import ConsumerRecord
from .fetch_pacing import FetchPacing
from .internals import insist_on_rejoin, join_group, topic_id
from .lag_probe import LagProbe
from .offset_tracker import Offsets, OffsetTracker
from .progress import ConsumerProgress
from .timing import Timing

_log = structlog.get_logger(__name__)

_JOIN = 1.0
"""Seconds that a join of the group may take at once; one that is cut short starts again."""

_AFTER_FAILURE = 0.5
"""Seconds until the next poll after one that raised."""

_COMMIT_MS = 5000
"""Milliseconds that a commit may take."""

_CLOSE_MS = 2000
"""Milliseconds that leaving the group may take."""


class GroupMember:
    """One topic as seen by one member of its group.

    Args:
        consumer: Owned by the thread that calls; see :func:`clients.open_consumer`.
        topic: What to read.
        progress: Told of every answer of a broker, of gaps and of the lag.
        timing: How long it waits for what.
        sleep: Waits some seconds, for tests.

    Attributes:
        stream: Identity of the topic's present incarnation, None if it is not known.
        lag: Measures the lag.
        progress: Told of every step, those of the loop too.
        timing: How long the loop waits for what.
    """

    def __init__(
        self,
        consumer: KafkaConsumer,
        topic: str,
        progress: ConsumerProgress,
        timing: Timing,
        *,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.stream: str | None = None
        self._consumer = consumer
        self._topic = topic
        self.progress = progress
        self.timing = timing
        self._sleep = sleep
        self._probe_ms = round(timing.probe_timeout * 1000)
        self._stream_changed = False
        self._offsets = OffsetTracker()
        self._pacing = FetchPacing(consumer, timing.linger)
        self.lag = LagProbe(consumer, self._offsets, progress, timing)

    def join(self) -> None:
        """Subscribe. The partitions come with a later poll."""
        self._consumer.subscribe([self._topic], listener=_RebalanceListener(self._offsets))
        self._learn_partitions()

    def _learn_partitions(self) -> None:
        """Fetch the topic's metadata: a group leader without them assigns no partition at all.

        It would notice only with the next rebalance, up to a session timeout later. They are
        fetched once it is known what is subscribed: otherwise the leader takes them for changed
        with their next refresh, and has the whole group join once more.
        """
        with contextlib.suppress(KafkaError):
            self._consumer.topics()

    def poll(self, seconds: float) -> list[ConsumerRecord]:
        """Return what comes within `seconds`, of each partition in the order of its offsets."""
        before = topic_id(self._consumer, self._topic)
        polled = self._poll(seconds)
        after = topic_id(self._consumer, self._topic)
        # Once a topic was re-created under this consumer, buffered records of the old one
        # cannot be told from those of the new one, so from then on there is no id.
        self._stream_changed |= before not in {None, after}
        self.stream = None if self._stream_changed else after
        self._pacing.polled(messages=bool(polled), waited=seconds > 0)
        if polled:
            self.progress.fetched()
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
        position = self._consumer.position(partition, timeout_ms=self._probe_ms)
        return position is None or int(end) > int(position)

    def _poll(self, seconds: float) -> Mapping[TopicPartition, list[ConsumerRecord]]:
        """Poll for `seconds`; if the group has to be joined, do that instead, which needs its time.

        The library hides most of a broker's absence, but not all of it: a coordinator that
        refuses the connection comes up here. That is no reason to leave the group.
        """
        polled: Mapping[TopicPartition, list[ConsumerRecord]] = {}
        try:
            if insist_on_rejoin(self._consumer):
                join_group(self._consumer, round(_JOIN * 1000))
            else:
                polled = self._consumer.poll(timeout_ms=round(seconds * 1000))
        except KafkaError as error:
            _log.warning("polling failed, trying again", topic=self._topic, error=repr(error))
            self._sleep(_AFTER_FAILURE)
            return {}
        return polled

    def _look_for_gap(self, partition: TopicPartition, records: Sequence[ConsumerRecord]) -> None:
        """Tell of offsets that no message came for.

        Retention, a full in-memory broker, compaction and transactions leave gaps; the
        first two are lost messages, and nothing else would ever say so.
        """
        first, last = records[0].offset, records[-1].offset
        expected = self._offsets.expected(partition)
        if expected is None:
            expected = self._committed(partition)
        if expected is not None and first > expected:
            self.progress.skipped(first - expected)
            _log.warning(
                "offsets were skipped, the broker no longer has these messages",
                topic=self._topic,
                partition=partition.partition,
                expected=expected,
                first=first,
            )
        self._offsets.read(partition, first, last)

    def _committed(self, partition: TopicPartition) -> int | None:
        try:
            offset = self._consumer.committed(partition, timeout_ms=self._probe_ms)
        except KafkaError:
            return None
        return offset if offset is None else int(offset)

    def stay(self) -> None:
        """Poll without taking anything, because who does not poll is expelled."""
        assigned = self._consumer.assignment()
        self._consumer.pause(*assigned)
        polled = self._poll(0)
        for partition, records in polled.items():
            # Assigned by this very poll, hence not paused: read it again later.
            self._consumer.seek(partition, records[0].offset)
        self._consumer.resume(*self._consumer.paused())

    def stored(self, offsets: Offsets) -> None:
        """What is before `offsets` is stored: the next commit is for them, too."""
        self._offsets.stored(offsets, self._consumer.assignment())

    def to_commit(self) -> Offsets:
        """Return what is stored, not committed and still ours."""
        return self._offsets.to_commit(self._consumer.assignment())

    def commit(self, offsets: Offsets) -> bool:
        """Commit `offsets`; blocks. Failing is no fault: redelivery is harmless."""
        try:
            self._consumer.commit(offsets, timeout_ms=_COMMIT_MS)
        except KafkaError as error:
            _log.warning(
                "offsets are not committed, trying again", topic=self._topic, error=repr(error)
            )
            return False
        self._offsets.committed()
        return True

    def leave(self) -> None:
        """Leave the group and close the connection, committing nothing."""
        self._consumer.close(autocommit=False, timeout_ms=_CLOSE_MS)


class _RebalanceListener(ConsumerRebalanceListener):  # type: ignore[misc]  # untyped library
    """Trims the offsets to the partitions that came. Must not block, says the library."""

    def __init__(self, offsets: OffsetTracker) -> None:
        self._offsets = offsets

    def on_partitions_revoked(self, revoked: object) -> None:
        """Keep all: what is stored may still be committed."""

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Forget the partitions that others read now; `assigned` are all of ours."""
        self._offsets.keep(set(assigned))
