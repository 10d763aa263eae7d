"""From the messages of a topic to their effects, each had once.

What can go wrong with a message, and what becomes of it:

* It was handled before: nothing happens.
* Its envelope or its body cannot be read, or the database refuses its effect for good: it becomes a
  dead letter, alone. The others of its batch have their effect.
* The database or the brokers are away: it is tried again until they are back.
* Anything else is a fault of the program. It ends the process, with nothing committed: a broken
  deploy must not turn a topic into dead letters.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

import psycopg
import structlog

from order_service.infra.postgres.database import Transaction
from order_service.infra.postgres.faults import UnavailableError
from order_service.infra.retry import Retrying
from order_service.messaging.envelope import Envelope
from order_service.messaging.errors import InvalidMessageError
from order_service.messaging.ports import DeadLetter, DeadLetters, Message

from .accepting import Inbox

T = TypeVar("T")
R = TypeVar("R")

_log = structlog.get_logger(__name__)

_PRUNE_EVERY = 60.0
_NAMED = 10


class IncomingMessage(NamedTuple):
    """A message whose envelope could be read.

    Attributes:
        envelope: What is told beside the body.
        topic: Where it stood.
        key: What is in order.
        value: The body.
    """

    envelope: Envelope
    topic: str
    key: bytes | None
    value: bytes | None


class Effects(Protocol[T]):
    """What a context does with the messages of a topic."""

    def decode(self, message: IncomingMessage) -> T:
        """Return what the body says; waits for nothing.

        Raises:
            InvalidMessageError: It can never be handled.
        """

    def apply(self, transaction: Transaction, message: IncomingMessage, content: T) -> None:
        """Have the effect, and answer through an outbox, all in `transaction`.

        It may be called again for the same message if the transaction is not committed.

        Raises:
            InvalidMessageError: It can never be handled.
        """


@runtime_checkable
class BatchEffects(Protocol[T]):
    """What a context does with messages that it would rather have together than one by one.

    The meaning must be that of :class:`Effects`, message by message in the order given.
    """

    def decode(self, message: IncomingMessage) -> T:
        """See :meth:`Effects.decode`."""

    def apply_all(
        self, transaction: Transaction, messages: Sequence[tuple[IncomingMessage, T]]
    ) -> None:
        """Have the effects of messages that have had none; see :meth:`Effects.apply`.

        Raises:
            InvalidMessageError: One of them can never be handled. All are then brought again in
                smaller numbers, until it stands alone.
        """


class InboxObserver(Protocol):
    """Told what became of messages, for metrics."""

    def handled(self, messages: int) -> None:
        """Messages had their effect."""

    def duplicates(self, messages: int) -> None:
        """Messages had had their effect before."""

    def rejected(self, messages: int) -> None:
        """Messages were acknowledged as dead letters."""


class Transactions(Protocol):
    """Runs transactions; :class:`infra.postgres.database.Database` does."""

    def run(self, name: str, work: Callable[[Transaction], R]) -> R:
        """Run `work` as one transaction, again if another one came in between."""

    def write(self, query: Any, parameters: Any, /) -> list[tuple[Any, ...]]:  # noqa: ANN401
        """Run one statement as one transaction and return its rows."""


class Storage(NamedTuple):
    """Where effects are had.

    Attributes:
        database: Of the context.
        inbox: Of the context.
        retry: Repeats an UnavailableError of the database.
    """

    database: Transactions
    inbox: Inbox
    retry: Retrying


class Rejections(NamedTuple):
    """Where messages go that can never be handled.

    Attributes:
        dead_letters: Of their topic.
        retry: Repeats a DeadLettersUnavailableError.
    """

    dead_letters: DeadLetters
    retry: Retrying


class _Decoded(NamedTuple, Generic[T]):
    record: Message
    message: IncomingMessage
    content: T


class PreparedMessages(NamedTuple, Generic[T]):
    """A batch after decoding."""

    valid: Sequence[_Decoded[T]]
    rejected: Sequence[DeadLetter]


class InboxHandler(Generic[T]):
    """Implements :class:`infra.kafka.consumer.Handler`.

    Args:
        effects: What is done with a message.
        storage: Where it is done.
        rejections: Where the rest goes.
        observer: Told what became of messages.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        effects: Effects[T] | BatchEffects[T],
        storage: Storage,
        rejections: Rejections,
        observer: InboxObserver,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._effects = effects
        self._database, self._inbox, self._retry = storage
        self._rejections = rejections
        self._observer = observer
        self._clock = clock
        self._prune_at = clock()

    def prepare(self, records: Sequence[Message], stream: str | None) -> PreparedMessages[T]:  # noqa: ARG002 - of the protocol
        """Decode `records`; never raises for what a message holds."""
        valid: list[_Decoded[T]] = []
        rejected: list[DeadLetter] = []
        for record in records:
            try:
                valid.append(self._decode(record))
            except InvalidMessageError as error:
                rejected.append(DeadLetter(record, error.reason, error.faults))
        # Transactions that lock what their keys name do so in one order; within a key it stays.
        valid.sort(key=lambda decoded: decoded.message.key or b"")
        return PreparedMessages(valid, rejected)

    def _decode(self, record: Message) -> _Decoded[T]:
        envelope = Envelope.parse(record.headers)
        message = IncomingMessage(envelope, record.topic, record.key, record.value)
        return _Decoded(record, message, self._effects.decode(message))

    def store(self, prepared: PreparedMessages[T]) -> None:
        """Have the effects of a batch; blocks until they are durable.

        Raises:
            StoppedError: The process is stopping, and something is away.
        """
        self._reject([*prepared.rejected, *self._apply(prepared.valid)])
        self._prune_if_due()

    def idle(self) -> None:
        """Use a quiet moment."""
        self._prune_if_due()

    def _apply(self, messages: Sequence[_Decoded[T]]) -> list[DeadLetter]:
        """Have the effects of `messages`; return those that can never have one, by bisection."""
        if not messages:
            return []
        try:
            fresh = self._retry.call(lambda: self._apply_together(messages))
        except (InvalidMessageError, psycopg.Error) as error:
            if len(messages) == 1:
                return [_letter(messages[0].record, error)]
            half = len(messages) // 2
            return [*self._apply(messages[:half]), *self._apply(messages[half:])]
        self._observer.handled(fresh)
        self._observer.duplicates(len(messages) - fresh)
        return []

    def _apply_together(self, messages: Sequence[_Decoded[T]]) -> int:
        return self._database.run(
            "inbox", lambda transaction: self._apply_in(transaction, messages)
        )

    def _apply_in(self, transaction: Transaction, messages: Sequence[_Decoded[T]]) -> int:
        """Have the effects of those that have not had any; return how many these were."""
        ids = [decoded.message.envelope.id for decoded in messages]
        fresh = set(self._inbox.accept_all(transaction, ids))
        wanted = []
        for _, message, content in messages:
            if message.envelope.id in fresh:
                # The same batch may hold a copy.
                fresh.discard(message.envelope.id)
                wanted.append((message, content))
        if wanted:
            self._have(transaction, wanted)
        return len(wanted)

    def _have(
        self, transaction: Transaction, messages: Sequence[tuple[IncomingMessage, T]]
    ) -> None:
        if isinstance(self._effects, BatchEffects):
            self._effects.apply_all(transaction, messages)
            return
        for message, content in messages:
            self._effects.apply(transaction, message, content)

    def _reject(self, letters: Sequence[DeadLetter]) -> None:
        if not letters:
            return
        dead_letters, retry = self._rejections
        retry.call(lambda: dead_letters.publish(letters))
        self._observer.rejected(len(letters))
        _log.warning(
            "messages were rejected",
            count=len(letters),
            reasons=sorted({letter.reason for letter in letters}),
            topic=letters[0].message.topic,
            positions=[_position(letter) for letter in letters[:_NAMED]],
        )

    def _prune_if_due(self) -> None:
        if self._clock() < self._prune_at:
            return
        try:
            pruned = self._inbox.prune(self._database)
        except UnavailableError as error:
            pruned = 0
            _log.warning("the inbox is not pruned, trying again", error=str(error))
        # What is more than one statement deletes is deleted bit by bit, between batches.
        if not pruned:
            self._prune_at = self._clock() + _PRUNE_EVERY


def _letter(record: Message, error: InvalidMessageError | psycopg.Error) -> DeadLetter:
    if isinstance(error, InvalidMessageError):
        return DeadLetter(record, error.reason, error.faults)
    # The driver's own words hold values of the message.
    state = error.sqlstate or type(error).__name__
    return DeadLetter(record, "refused_by_storage", {"_message": [f"SQLSTATE {state}"]})


def _position(letter: DeadLetter) -> str:
    return f"{letter.message.partition}:{letter.message.offset}"
