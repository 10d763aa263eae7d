"""Use case: a batch of messages becomes stored orders and dead letters.

Two steps, so that the consumer can decode one batch while the one before it is being
stored: `prepare` is pure computation, `store` is all the waiting. After `store` has
returned, every message of the batch is committed in the database or acknowledged as a
dead letter, and only then may its offset be committed.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from .decode import decode
from .errors import InvalidOrderError, StorageRejectedError
from .model import Document
from .ports import (
    DeadLetter,
    DeadLetters,
    IngestObserver,
    Message,
    OrderCache,
    OrderRecord,
    OrderRepository,
    Outcome,
    Source,
)

T = TypeVar("T")


class Retry(Protocol):
    """Calls again what failed for a transient reason, until it succeeds."""

    def call(self, attempt: Callable[[], T]) -> T:
        """Return what `attempt` returns once it no longer raises a transient error."""


class Candidate(NamedTuple):
    """A valid order with the message that it came in."""

    record: OrderRecord
    message: Message


class Prepared(NamedTuple):
    """A batch after validation: the last order of each uid, sorted by uid, and the rest."""

    candidates: Sequence[Candidate]
    rejected: Sequence[DeadLetter]
    superseded: int


def prepare(messages: Iterable[Message], stream: str | None) -> Prepared:
    """Decode and validate `messages`; never raises for what a message holds.

    Args:
        messages: In the order of their offsets.
        stream: Identity of the topic; see :class:`ports.Source`.
    """
    latest: dict[str, Candidate] = {}
    rejected: list[DeadLetter] = []
    valid = 0
    for message in messages:
        try:
            order = decode(message.value)
        except InvalidOrderError as error:
            rejected.append(DeadLetter(message, error.reason, error.faults))
            continue
        valid += 1
        source = Source(stream, message.partition, message.offset)
        record = OrderRecord(order.order_uid, Document.of(order), source)
        latest[order.order_uid] = Candidate(record, message)
    # Sorted, so that two transactions that share uids lock them in one order.
    candidates = [latest[uid] for uid in sorted(latest)]
    return Prepared(candidates, rejected, valid - len(candidates))


class Ingest:
    """Stores prepared batches.

    Args:
        repository: Where orders go.
        cache: Told of every order that changed.
        dead_letters: Where the rest goes.
        observer: Told what happened.
        storage_retry: Patience with the database.
        dead_letter_retry: Patience with the broker.
    """

    def __init__(  # noqa: PLR0913 - one argument a collaborator
        self,
        *,
        repository: OrderRepository,
        cache: OrderCache,
        dead_letters: DeadLetters,
        observer: IngestObserver,
        storage_retry: Retry,
        dead_letter_retry: Retry,
    ) -> None:
        self._repository = repository
        self._cache = cache
        self._dead_letters = dead_letters
        self._observer = observer
        self._storage_retry = storage_retry
        self._dead_letter_retry = dead_letter_retry

    def prepare(self, messages: Iterable[Message], stream: str | None) -> Prepared:
        """See :func:`prepare`."""
        return prepare(messages, stream)

    def idle(self) -> None:
        """Use a quiet moment: make up for cache entries that are owed."""
        self._cache.settle()

    def store(self, batch: Prepared) -> None:
        """Make every message of `batch` durable; blocks until it is.

        Raises:
            Exception: Whatever a retry gave up with; nothing of the batch may then be
                committed. What is stored already does no harm when it is stored again.
        """
        refused = self._save(batch.candidates)
        self._bury([*batch.rejected, *refused])
        self._observer.superseded(batch.superseded)

    def _save(self, candidates: Sequence[Candidate]) -> list[DeadLetter]:
        """Store `candidates`; return those that the database refuses, by bisection.

        One refused order fails the whole transaction and does not say which it is.
        Halving costs about twice log2(n) extra transactions for a guilty one.
        """
        if not candidates:
            return []
        records = [candidate.record for candidate in candidates]
        try:
            outcomes = self._storage_retry.call(lambda: self._repository.save(records))
        except StorageRejectedError as error:
            if len(candidates) == 1:
                return [_refused(candidates[0], error)]
            half = len(candidates) // 2
            return [*self._save(candidates[:half]), *self._save(candidates[half:])]
        changed = [
            (record.uid, record.document)
            for record in records
            if outcomes[record.uid] is not Outcome.UNCHANGED
        ]
        self._cache.put_many(changed)
        self._observer.stored(outcomes)
        return []

    def _bury(self, letters: Sequence[DeadLetter]) -> None:
        if letters:
            self._dead_letter_retry.call(lambda: self._dead_letters.publish(letters))
            self._observer.rejected(letters)


def _refused(candidate: Candidate, error: StorageRejectedError) -> DeadLetter:
    return DeadLetter(candidate.message, "refused_by_storage", {"_message": [error.detail]})
