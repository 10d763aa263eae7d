"""Use case: a batch of messages becomes stored orders and dead letters.

Two steps, so that the consumer can decode one batch while the one before it is being
stored: `prepare` is pure computation, `store` is all the waiting. After `store` has
returned, every message of the batch is committed in the database or acknowledged as a
dead letter, and only then may its offset be committed.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import NamedTuple

from order_service.infra.retry import Retrying
from order_service.messaging.ports import DeadLetter, DeadLetters, Message

from .decode import MAX_MESSAGE_BYTES, decode
from .errors import InvalidOrderError, StorageRejectedError
from .model import Document
from .ports import (
    IngestObserver,
    OrderCache,
    OrderRecord,
    OrderRepository,
    Outcome,
    Source,
)
from .rejection_log import RejectionLog
from .rejections import NEVER, RejectionLimit, RejectionWindow
from .rows import rows_of


class Candidate(NamedTuple):
    """A valid order with the message that it came in."""

    record: OrderRecord
    message: Message


class Prepared(NamedTuple):
    """A batch after validation: the last order of each uid, sorted by uid, and the rest."""

    candidates: Sequence[Candidate]
    rejected: Sequence[DeadLetter]
    superseded: int
    messages: Sequence[Message] = ()


def prepare(
    messages: Iterable[Message], stream: str | None, max_bytes: int = MAX_MESSAGE_BYTES
) -> Prepared:
    """Decode and validate `messages`; never raises for what a message holds.

    Args:
        messages: In the order of their offsets.
        stream: Identity of the topic; see :class:`ports.Source`.
        max_bytes: Longest message that is accepted.
    """
    messages = tuple(messages)
    latest: dict[str, Candidate] = {}
    rejected: list[DeadLetter] = []
    valid = 0
    for message in messages:
        try:
            order = decode(message.value, max_bytes)
        except InvalidOrderError as error:
            rejected.append(DeadLetter(message, error.reason, error.faults))
            continue
        valid += 1
        uid, document = order.order_uid, Document.of(order)
        source = Source(stream, message.partition, message.offset)
        renews = uid in latest and _differs(latest[uid].record, document)
        rows = rows_of(order, document, source)
        latest[uid] = Candidate(OrderRecord(uid, document, rows, source, renews), message)
    # Sorted, so that two transactions that share uids lock them in one order.
    candidates = [latest[uid] for uid in sorted(latest)]
    return Prepared(candidates, rejected, valid - len(candidates), messages)


def _differs(earlier: OrderRecord, document: Document) -> bool:
    """Whether a batch held other content of an order than `document` before it."""
    return earlier.renews or earlier.document.digest != document.digest


class Destinations(NamedTuple):
    """Where messages end for good, and what repeats a call there until it succeeds.

    Attributes:
        orders: Takes what is valid.
        dead_letters: Takes the rest.
        storing: Repeats calls to `orders`.
        publishing: Repeats calls to `dead_letters`.
    """

    orders: OrderRepository
    dead_letters: DeadLetters
    storing: Retrying
    publishing: Retrying


class IngestRules(NamedTuple):
    """What is accepted, and how it is stored.

    Attributes:
        rejection_limit: When to stop publishing dead letters.
        max_message_bytes: Longest message that is accepted.
        lanes: Transactions at once.
    """

    rejection_limit: RejectionLimit = NEVER
    max_message_bytes: int = MAX_MESSAGE_BYTES
    lanes: int = 1


_USUAL = IngestRules()


class Ingest:
    """Stores prepared batches.

    Args:
        to: Where messages end.
        cache: Told of every order that changed.
        observer: Told what happened.
        rules: What is accepted, and how it is stored.
    """

    SMALLEST_LANE = 200
    """Orders that are worth a transaction, and a core, of their own."""

    def __init__(
        self,
        to: Destinations,
        cache: OrderCache,
        observer: IngestObserver,
        rules: IngestRules = _USUAL,
    ) -> None:
        self._to = to
        self._cache = cache
        self._observer = observer
        self._rules = rules
        self._window = RejectionWindow(rules.rejection_limit)
        self._rejection_log = RejectionLog()
        self._threads = ThreadPoolExecutor(rules.lanes, thread_name_prefix="lane")

    def prepare(self, messages: Iterable[Message], stream: str | None) -> Prepared:
        """See :func:`prepare`."""
        return prepare(messages, stream, self._rules.max_message_bytes)

    def idle(self) -> None:
        """Use a quiet moment: delete stale cache entries, write log lines that wait."""
        self._cache.drop_stale()
        self._rejection_log.flush()

    def store(self, batch: Prepared) -> None:
        """Make every message of `batch` durable; blocks until it is.

        Raises:
            RejectionLimitError: Too many messages are rejected. The valid orders are
                stored, no dead letter of this batch is published.
            Exception: Whatever a retry gave up with; nothing of the batch may then be
                committed. What is stored already does no harm when it is stored again.
        """
        letters = [*batch.rejected, *self._save_in_lanes(batch.candidates)]
        self._rejection_log.add(letters)
        self._judge(batch, letters)
        self._publish(letters)
        self._observer.superseded(batch.superseded)

    def _save_in_lanes(self, candidates: Sequence[Candidate]) -> list[DeadLetter]:
        """Store `candidates` in as many transactions at once as there are lanes.

        The database works a transaction off on one core. Lanes share no uid, so their
        order does not matter, and neither does a crash between them: what is stored
        already is unchanged when the batch is delivered again.
        """
        lanes = min(self._rules.lanes, len(candidates) // self.SMALLEST_LANE)
        if lanes < 2:  # noqa: PLR2004 - nothing to share out
            return self._save(candidates)
        size = -(-len(candidates) // lanes)
        slices = [candidates[start : start + size] for start in range(0, len(candidates), size)]
        # What is logged and traced in a lane belongs to the batch.
        enter = [copy_context().run for _ in slices]
        saved = self._threads.map(lambda run, part: run(self._save, part), enter, slices)
        return [letter for letters in saved for letter in letters]

    def _save(self, candidates: Sequence[Candidate]) -> list[DeadLetter]:
        """Store `candidates`; return those that the database refuses, by bisection.

        One refused order fails the whole transaction and does not say which it is.
        Halving costs about twice log2(n) extra transactions for a guilty one.
        """
        if not candidates:
            return []
        records = [candidate.record for candidate in candidates]
        try:
            outcomes = self._to.storing.call(lambda: self._to.orders.save(records))
        except StorageRejectedError as error:
            if len(candidates) == 1:
                return [_refused(candidates[0], error)]
            half = len(candidates) // 2
            return [*self._save(candidates[:half]), *self._save(candidates[half:])]
        self._refresh_cache(records, outcomes)
        self._observer.stored(outcomes)
        return []

    def _refresh_cache(
        self, records: Sequence[OrderRecord], outcomes: Mapping[str, Outcome]
    ) -> None:
        """Cache what was written; forget what was not.

        An order that is unchanged may have been written by an attempt whose answer was
        lost, or before a crash, and the cache never told: its entry may be an older one.
        """
        changed, unchanged = [], []
        for record in records:
            if outcomes[record.uid] is Outcome.UNCHANGED:
                unchanged.append(record.uid)
            else:
                changed.append((record.uid, record.document))
        self._cache.put_many(changed)
        self._cache.forget_many(unchanged)

    def _judge(self, batch: Prepared, letters: Sequence[DeadLetter]) -> None:
        """Hold the batch against the limit, before any letter of it is published."""
        if not letters:
            self._window.accepted(len(batch.messages))
            return
        reasons = {id(letter.message): letter.reason for letter in letters}
        self._window.judge(reasons.get(id(message)) for message in batch.messages)

    def _publish(self, letters: Sequence[DeadLetter]) -> None:
        if letters:
            self._to.publishing.call(lambda: self._to.dead_letters.publish(letters))
            self._observer.rejected(letters)


def _refused(candidate: Candidate, error: StorageRejectedError) -> DeadLetter:
    return DeadLetter(candidate.message, "refused_by_storage", {"_message": [error.detail]})
