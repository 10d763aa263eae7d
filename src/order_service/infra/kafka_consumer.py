"""The consumer loop: poll, prepare, store, commit, in this order, whatever happens.

One thread owns the KafkaConsumer and decodes; a second one stores. While batch n is being
stored, batch n+1 is polled and prepared; its store begins only when n has ended, and the
offsets of n are committed only after its store has returned. A batch whose store raises
ends the loop with nothing committed, so that it is delivered again.
"""

import concurrent.futures
import contextlib
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import structlog
from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from .consumer_progress import BatchObserver, ConsumerObserver, ConsumerProgress
from .lag_probe import LagProbe
from .offset_ledger import OffsetLedger, Offsets, offsets_behind
from .retry import StoppedError

_log = structlog.get_logger(__name__)

P = TypeVar("P")
Record = Any


class Handler(Protocol[P]):
    """What is done with a batch."""

    def prepare(self, records: Sequence[Record], stream: str | None) -> P:
        """Decode and validate; no waiting, no errors."""

    def store(self, prepared: P) -> None:
        """Make the whole batch durable; blocks until it is."""

    def idle(self) -> None:
        """Nothing to read at the moment; called about twice a second."""


class Timing(NamedTuple):
    """Times of the loop, in seconds."""

    poll: float = 0.5
    keepalive: float = 1.0
    lag_probe: float = 5.0
    probe_timeout: float = 2.0
    commit_timeout: float = 5.0
    shutdown: float = 10.0


_DEFAULT_TIMING = Timing()


class InFlight(NamedTuple):
    """A batch on its way into storage."""

    stored: "Future[None]"
    offsets: Offsets


class ConsumerLoop(Generic[P]):
    """Moves batches from one topic to a handler.

    Args:
        consumer: Owned by the thread that calls `run`.
        topic: What to read.
        handler: What to do with it.
        progress: Told of every step.
        observer: Told how it keeps up.
        batches: Told of every batch.
        stopping: Ends the loop.
        max_bytes: Most bytes of one batch; a single larger message is a batch of its own.
        timing: Times of the loop.
        clock: Monotonic seconds.
    """

    def __init__(  # noqa: PLR0913 - one argument a collaborator
        self,
        consumer: KafkaConsumer,
        topic: str,
        handler: Handler[P],
        *,
        progress: ConsumerProgress,
        observer: ConsumerObserver,
        batches: BatchObserver,
        stopping: threading.Event,
        max_bytes: int,
        timing: Timing = _DEFAULT_TIMING,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._consumer = consumer
        self._topic = topic
        self._handler = handler
        self._progress = progress
        self._observer = observer
        self._batches = batches
        self._stopping = stopping
        self._max_bytes = max_bytes
        self._timing = timing
        self._clock = clock
        self._ledger = OffsetLedger()
        self._stream: str | None = None
        self._stream_changed = False
        self._probe = LagProbe(
            consumer,
            self._ledger,
            progress,
            observer,
            interval=timing.lag_probe,
            timeout=timing.probe_timeout,
            clock=clock,
        )

    def run(self) -> None:
        """Consume until `stopping` is set; leaves the group.

        Raises:
            Exception: What the handler's `store` raised; its batch is not committed.
        """
        self._learn_partitions()
        self._consumer.subscribe([self._topic], listener=_Keeping(self._ledger))
        with self._storing() as storing:
            in_flight: InFlight | None = None
            while not self._stopping.is_set():
                in_flight = self._turn(storing, in_flight)
            self._finish(in_flight)

    def _learn_partitions(self) -> None:
        """Fetch the topic's metadata: a group leader without them assigns no partition at all.

        It would notice only with the next rebalance, up to a session timeout later.
        """
        with contextlib.suppress(KafkaError):
            self._consumer.partitions_for_topic(self._topic)

    @contextlib.contextmanager
    def _storing(self) -> Iterator[ThreadPoolExecutor]:
        storing = ThreadPoolExecutor(1, thread_name_prefix="store")
        try:
            yield storing
        finally:
            storing.shutdown(wait=False, cancel_futures=True)
            self._consumer.close(autocommit=False, timeout_ms=2000)

    def _turn(self, storing: ThreadPoolExecutor, in_flight: InFlight | None) -> InFlight | None:
        """Poll once and hand over what came; return the batch that is being stored now."""
        self._progress.turned()
        # With a batch in flight only what is buffered is taken: its end comes first.
        records = self._poll(0.0 if in_flight else self._timing.poll)
        for batch in self._split(records):
            prepared = self._prepare(batch)
            self._settle(in_flight)
            in_flight = InFlight(storing.submit(self._store, prepared), offsets_behind(batch))
        if not records:
            self._settle(in_flight)
            in_flight = None
            self._handler.idle()
        self._probe.if_due()
        return in_flight

    def _poll(self, seconds: float) -> list[Record]:
        before = self._topic_id()
        polled = self._consumer.poll(timeout_ms=round(seconds * 1000))
        after = self._topic_id()
        self._stream_changed |= before not in {None, after}
        self._stream = None if self._stream_changed else after
        if polled:
            self._heard()
        for partition, records in polled.items():
            self._look_for_gap(partition, records)
        return [record for records in polled.values() for record in records]

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
        timeout_ms = round(self._timing.probe_timeout * 1000)
        try:
            offset = self._consumer.committed(partition, timeout_ms=timeout_ms)
        except KafkaError:
            return None
        return offset if offset is None else int(offset)

    def _split(self, records: Sequence[Record]) -> Iterator[Sequence[Record]]:
        """Yield `records` in batches of at most `max_bytes`."""
        start = size = 0
        for index, record in enumerate(records):
            length = max(record.serialized_value_size, 0) + max(record.serialized_key_size, 0)
            if size and size + length > self._max_bytes:
                self._batches.taken(index - start, size)
                yield records[start:index]
                start, size = index, 0
            size += length
        if records:
            self._batches.taken(len(records) - start, size)
            yield records[start:]

    def _prepare(self, batch: Sequence[Record]) -> P:
        with self._timed("decode"):
            return self._handler.prepare(batch, self._stream)

    def _store(self, prepared: P) -> None:
        with self._timed("store"):
            self._handler.store(prepared)

    def _settle(self, in_flight: InFlight | None) -> None:
        """Wait until the batch is stored, staying a member of the group, and commit it."""
        if in_flight is not None:
            while not _done(in_flight.stored, self._timing.keepalive):
                self._stay_member()
            self._commit_stored(in_flight)
        else:
            self._commit()

    def _commit_stored(self, in_flight: InFlight) -> None:
        in_flight.stored.result()
        self._progress.progressed()
        self._ledger.stored(in_flight.offsets, self._consumer.assignment())
        self._commit()

    def _stay_member(self) -> None:
        """Poll without taking anything, because who does not poll is expelled."""
        self._progress.turned()
        assigned = self._consumer.assignment()
        self._consumer.pause(*assigned)
        polled = self._consumer.poll(timeout_ms=0)
        for partition, records in polled.items():
            # Assigned by this very poll, hence not paused: read it again later.
            self._consumer.seek(partition, records[0].offset)
        self._consumer.resume(*self._consumer.paused())
        self._probe.if_due()

    def _commit(self) -> None:
        """Commit what is stored. Failing is no fault: redelivery is harmless."""
        offsets = self._ledger.to_commit(self._consumer.assignment())
        if not offsets:
            return
        try:
            with self._timed("commit"):
                timeout_ms = round(self._timing.commit_timeout * 1000)
                self._consumer.commit(offsets, timeout_ms=timeout_ms)
        except KafkaError as error:
            _log.warning("offsets are not committed, trying again", error=repr(error))
            return
        self._ledger.committed()

    def _finish(self, in_flight: InFlight | None) -> None:
        """Give the last batch the grace time, commit it if it made it."""
        if in_flight is not None and _done(in_flight.stored, self._timing.shutdown):
            with contextlib.suppress(StoppedError):
                self._commit_stored(in_flight)

    @contextlib.contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        start = self._clock()
        yield
        self._batches.took(stage, self._clock() - start)


class _Keeping(ConsumerRebalanceListener):  # type: ignore[misc]  # untyped library
    """Trims the ledger to the partitions that came. Must not block, says the library."""

    def __init__(self, ledger: OffsetLedger) -> None:
        self._ledger = ledger

    def on_partitions_revoked(self, revoked: object) -> None:
        """Keep all: what is stored may still be committed."""

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Forget the partitions that others read now; `assigned` are all of ours."""
        self._ledger.keep(set(assigned))


def _done(future: "Future[None]", timeout: float) -> bool:
    return future in concurrent.futures.wait([future], timeout).done
