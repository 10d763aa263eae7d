"""The consumer loop: poll, prepare, store, commit, in this order, whatever happens.

One thread owns the group's member and decodes; a second one stores. While batch n is being
stored, batch n+1 is polled and prepared; its store begins only when n has ended, and the
offsets of n are committed only after its store has returned. A batch whose store raises
ends the loop with nothing committed, so that it is delivered again.
"""

import concurrent.futures
import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, NamedTuple, Protocol, TypeVar

import structlog
from structlog.contextvars import bound_contextvars

from order_service.infra.memory import give_back
from order_service.infra.retry import StoppedError

from .batching import BatchLimits, BatchObserver, ConsumerRecord, size_of, split
from .member import GroupMember
from .offset_tracker import OffsetRanges, Offsets, offsets_behind
from .progress import ConsumptionPausedError

_log = structlog.get_logger(__name__)

P = TypeVar("P")

_BACKLOG = 10_000
"""Messages after which it is worth while to return the memory that they took."""


_GATHER = 1.0
"""Longest time in which the first batch is put together, in seconds."""


class Handler(Protocol[P]):
    """What is done with a batch."""

    def prepare(self, records: Sequence[ConsumerRecord], stream: str | None) -> P:
        """Decode and validate; no waiting, no errors."""

    def store(self, prepared: P) -> None:
        """Make the whole batch durable; blocks until it is."""

    def idle(self) -> None:
        """Nothing to read at the moment; called about twice a second."""


class InFlight(NamedTuple):
    """A batch on its way into storage."""

    stored: "Future[float]"
    offsets: Offsets


class _FinishedError(Exception):
    """The loop has been stopped, and the batch in flight had its time."""


class ConsumerLoop(Generic[P]):
    """Moves batches from one topic to a handler.

    Args:
        member: Reads and commits; owned by the thread that calls `run`.
        handler: What to do with a batch.
        batches: Told of every batch.
        stopping: Ends the loop.
        limits: How much is taken at once.
    """

    def __init__(
        self,
        member: GroupMember,
        handler: Handler[P],
        batches: BatchObserver,
        stopping: threading.Event,
        limits: BatchLimits,
    ) -> None:
        self._member = member
        self._handler = handler
        self._progress = member.progress
        self._batches = batches
        self._stopping = stopping
        self._limits = limits
        self._timing = member.timing
        self._first_batch = limits.first_batch
        self._since_rest = 0

    def run(self) -> None:
        """Consume until `stopping` is set; leaves the group.

        Raises:
            Exception: What the handler's `store` raised; its batch is not committed.
        """
        self._member.join()
        with self._storing() as storing:
            in_flight: InFlight | None = None
            try:
                while not self._stopping.is_set():
                    in_flight = self._turn(storing, in_flight)
                self._finish(in_flight)
            except _FinishedError:
                pass  # stopped while a batch was waited for
            except ConsumptionPausedError as error:
                self._pause(error)

    @contextlib.contextmanager
    def _storing(self) -> Iterator[ThreadPoolExecutor]:
        storing = ThreadPoolExecutor(1, thread_name_prefix="store")
        try:
            yield storing
        finally:
            storing.shutdown(wait=False, cancel_futures=True)
            self._member.leave()

    def _turn(self, storing: ThreadPoolExecutor, in_flight: InFlight | None) -> InFlight | None:
        """Poll once and hand over what came; return the batch that is being stored now."""
        self._progress.turned()
        # With a batch in flight only what is buffered is taken: its end comes first.
        records = self._take(0.0 if in_flight else self._timing.poll)
        self._since_rest += len(records)
        for batch in split(records, self._limits.max_bytes, self._batches):
            prepared = self._prepare(batch)
            self._await(in_flight)
            stored = storing.submit(self._store, prepared, OffsetRanges(batch))
            in_flight = InFlight(stored, offsets_behind(batch))
            # That of the batch before: the database need not wait for the broker.
            self._commit()
        if not records:
            self._await(in_flight)
            in_flight = None
            self._commit()
            self._rest()
        self._member.lag.if_due()
        return in_flight

    def _take(self, seconds: float) -> list[ConsumerRecord]:
        """Poll; what is taken first of all is gathered as long as more is waiting."""
        records = self._member.poll(seconds)
        if records and self._first_batch:
            self._gather(records)
            self._first_batch = 0
        return records

    def _gather(self, records: list[ConsumerRecord]) -> None:
        """Add to `records` what is waiting, within the bounds of number, bytes and time."""
        end = time.monotonic() + _GATHER
        size = sum(map(size_of, records))
        most = self._limits.max_bytes
        while len(records) < self._first_batch and size < most and time.monotonic() < end:
            # Without a backlog the first message of the day need not wait for others.
            if not self._member.more_waiting():
                return
            if not (more := self._member.poll(_GATHER / 5)):
                return
            records += more
            size += sum(map(size_of, more))

    def _prepare(self, batch: Sequence[ConsumerRecord]) -> P:
        began = time.monotonic()
        prepared = self._handler.prepare(batch, self._member.stream)
        self._batches.took("decode", time.monotonic() - began)
        return prepared

    def _await(self, in_flight: InFlight | None) -> None:
        """Wait until the batch is stored, staying a member of the group.

        Raises:
            _FinishedError: `stopping` was set meanwhile.
        """
        if in_flight is None:
            return
        while not _done(in_flight.stored, self._timing.keepalive):
            if self._stopping.is_set():
                self._finish(in_flight)
                raise _FinishedError
            self._stay()
        self._take_note(in_flight)

    def _store(self, prepared: P, offsets: OffsetRanges) -> float:
        """Store a batch; what is logged on the way names its messages. Return the seconds."""
        began = time.monotonic()
        with bound_contextvars(offsets=offsets):
            self._handler.store(prepared)
        return time.monotonic() - began

    def _take_note(self, in_flight: InFlight) -> None:
        """Have the offsets of a stored batch committed, or raise what kept it from being one."""
        self._batches.took("store", in_flight.stored.result())
        self._progress.progressed()
        self._member.stored(in_flight.offsets)

    def _commit(self) -> None:
        """Commit what is stored, if anything is; what fails is tried again with the next."""
        if offsets := self._member.to_commit():
            began = time.monotonic()
            if self._member.commit(offsets):
                self._batches.took("commit", time.monotonic() - began)

    def _rest(self) -> None:
        """Use a moment without messages."""
        self._handler.idle()
        if self._since_rest >= _BACKLOG:
            give_back()
            self._since_rest = 0

    def _finish(self, in_flight: InFlight | None) -> None:
        """Give the last batch the grace time, commit it if it made it."""
        if in_flight is not None and _done(in_flight.stored, self._timing.shutdown):
            with contextlib.suppress(StoppedError):
                self._take_note(in_flight)
                self._commit()

    def _pause(self, error: ConsumptionPausedError) -> None:
        """Take no message any more, but stay a member of the group until `stopping`.

        Leaving would hand the partitions to the next member, which would go the same way.
        """
        self._progress.paused(error)
        _log.critical("consumption is paused until a restart", reason=error.reason)
        while not self._stopping.wait(self._timing.keepalive):
            self._stay()

    def _stay(self) -> None:
        self._progress.turned()
        self._member.stay()
        self._member.lag.if_due()


def _done(future: "Future[float]", timeout: float) -> bool:
    return future in concurrent.futures.wait([future], timeout).done
