"""The comparison of the topic of the orders with their tables, and its repair."""

import contextlib
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

from kafka.errors import KafkaError, UnknownTopicOrPartitionError

from order_service.context.brokers import kafka_connection
from order_service.context.process import Process
from order_service.context.topic_comparison import Difference, Repaired, Tally
from order_service.contexts.orders.comparing import Comparing
from order_service.contexts.orders.differences import Differences, LetterPlace
from order_service.contexts.orders.errors import StorageUnavailableError
from order_service.contexts.orders.ingest import Destinations, Ingest, IngestRules
from order_service.contexts.orders.ports import Outcome
from order_service.contexts.orders.postgres import ISOLATION, PostgresOrders
from order_service.contexts.orders.settings import MAX_BATCH_BYTES, OrdersSettings
from order_service.infra.kafka.batching import BatchLimits, in_batches
from order_service.infra.kafka.clients import open_reader
from order_service.infra.kafka.ranges import Stretch, covering
from order_service.infra.kafka.reader import TopicReader
from order_service.infra.postgres.faults import UnavailableError
from order_service.messaging.dead_letters.record import (
    SOURCE_OFFSET,
    SOURCE_PARTITION,
    SOURCE_TIMESTAMP,
    StoredRecord,
    letter_of,
)
from order_service.messaging.ports import DeadLetter

from .cache import make_cache

T = TypeVar("T")

_PAUSES = (0.1, 0.5, 2.0)
"""Seconds between tries of a call to a database that is away or busy; then it has failed."""

_LIMITS = BatchLimits(max_messages=1000, max_bytes=MAX_BATCH_BYTES)


class _Patience:
    """Repeats a call a few times, then lets the error through."""

    def call(self, attempt: Callable[[], T]) -> T:
        """Return what `attempt` returns."""
        for pause in _PAUSES:
            with contextlib.suppress(StorageUnavailableError):
                return attempt()
            time.sleep(pause)
        return attempt()


class _Outcomes:
    """Counts what a repair did: observer and dead letters of an ingest."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def stored(self, outcomes: Mapping[str, Outcome]) -> None:
        """Orders were committed."""
        self.counts.update(outcomes.values())

    def publish(self, letters: Sequence[DeadLetter]) -> None:
        """Count what the database refuses; its letter was for the consumer to publish."""
        self.counts["refused"] += len(letters)

    def rejected(self, letters: Sequence[DeadLetter]) -> None:
        """`publish` has counted them."""

    def superseded(self, count: int) -> None:
        """Do nothing: of each order one message is stored."""


class OrdersComparison:
    """Implements :class:`topic_comparison.TopicComparison`."""

    things = "orders"

    def __init__(self, process: Process) -> None:
        self._process = process
        self._settings = settings = process.config.of(OrdersSettings)
        self.topic, self.group = settings.topic, settings.group_id
        consumer = open_reader(kafka_connection(process.config.kafka), self.group)
        self._reader = TopicReader(consumer, self.topic)
        process.closes(self._reader.close)
        self._letters = TopicReader(consumer, settings.dead_letter_topic)
        self._orders = PostgresOrders(process.database(1, ISOLATION))
        self._differences = Differences()
        process.closes(self._differences.close)
        self._patience = _Patience()
        self._stream: str | None = None
        self._comparing = self._new_comparing()

    def _new_comparing(self) -> Comparing:
        most = self._settings.max_message_bytes
        return Comparing(self._orders, self._differences, self._stream, most)

    def stretches(self, since: int) -> Sequence[Stretch]:
        """See :meth:`topic_comparison.TopicComparison.stretches`."""
        found = self._reader.consumed_since(since)
        self._stream = self._reader.stream
        self._comparing = self._new_comparing()
        return found

    def compare(self, stretches: Sequence[Stretch], since: int) -> Iterator[int]:
        """See :meth:`topic_comparison.TopicComparison.compare`."""
        self._differences.add_letters(self._letters_since(since))
        records = self._reader.read(each.consumed for each in stretches)
        with _explained():
            for batch in in_batches(records, _LIMITS):
                self._insist_on_stream()
                self._patience.call(partial(self._comparing.take, batch))
                yield len(batch)

    def _letters_since(self, since: int) -> Iterator[LetterPlace]:
        # No consumer has run yet if there is no such topic.
        with contextlib.suppress(UnknownTopicOrPartitionError):
            for record in self._letters.read(self._letters.since(since)):
                if place := self._place(record):
                    yield place

    def _place(self, record: StoredRecord) -> LetterPlace | None:
        """Return where the message of a dead letter stood, None if it was in another topic."""
        letter = letter_of(record)
        if letter is None or letter.source_topic != self.topic:
            return None
        told = map(letter.number, (SOURCE_PARTITION, SOURCE_OFFSET, SOURCE_TIMESTAMP))
        partition, offset, sent = (-1 if each is None else each for each in told)
        return partition, offset, sent

    def tally(self) -> Tally:
        """See :meth:`topic_comparison.TopicComparison.tally`."""
        return self._comparing.tally()

    def differences(self, limit: int) -> Iterator[Difference]:
        """See :meth:`topic_comparison.TopicComparison.differences`."""
        return self._differences.listed(limit)

    def repair(self) -> Iterator[Repaired]:
        """See :meth:`topic_comparison.TopicComparison.repair`."""
        done = _Outcomes()
        ingest = self._ingest(done)
        places = ((each.partition, each.offset) for each in self._differences.listed())
        with _explained():
            while some := list(itertools.islice(places, _LIMITS.max_messages)):
                done.counts.clear()
                for batch in in_batches(self._records_at(some), _LIMITS):
                    self._insist_on_stream()
                    ingest.store(ingest.prepare(batch, self._stream))
                yield Repaired(**done.counts, gone=len(some) - done.counts.total())
        ingest.idle()

    def _records_at(self, places: Sequence[tuple[int, int]]) -> Iterator[StoredRecord]:
        wanted = frozenset(places)
        for record in self._reader.read(covering(places)):
            if (record.partition, record.offset) in wanted:
                yield record

    def _ingest(self, done: _Outcomes) -> Ingest:
        """Return what stores orders as the consumer does, cache and all."""
        process, settings = self._process, self._settings
        to = Destinations(self._orders, done, self._patience, self._patience)
        cache = make_cache(process, process.cache_client(), settings.cache)
        return Ingest(to, cache, done, IngestRules(max_message_bytes=settings.max_message_bytes))

    def _insist_on_stream(self) -> None:
        """Raise if the topic is not the one any more that the comparison began with."""
        if self._reader.stream != self._stream:
            raise KafkaError(f"the topic {self.topic} was created anew meanwhile")


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Let a fault of the database be known as such to who knows no context."""
    try:
        yield
    except StorageUnavailableError as error:
        raise UnavailableError(str(error)) from error
