"""From the messages of a topic to their effects, each had once.

What can go wrong with a message, and what becomes of it:

* It was handled before: nothing happens.
* Its envelope or its body cannot be read, or the database refuses its effect for good: it becomes a
  dead letter, alone. The others of its batch have their effect.
* The database or the brokers are away: it is tried again until they are back. As the database may
  only be too slow for so many messages in one transaction, half as many are tried each time.
* Anything else, a missing table or right too, is a fault of the program or of its installation. It
  ends the process, with nothing committed: a broken deploy must not turn a topic into dead letters.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, NamedTuple, TypeVar

import psycopg
import structlog

from order_service.infra.postgres.database import Transaction
from order_service.infra.postgres.faults import UnavailableError, is_refusal
from order_service.messaging.envelope import Envelope
from order_service.messaging.errors import InvalidMessageError
from order_service.messaging.ports import DeadLetter, Message

from .ports import (
    BatchEffects,
    Committed,
    Effects,
    InboxObserver,
    IncomingMessage,
    Rejections,
    Storage,
)

T = TypeVar("T")

_log = structlog.get_logger(__name__)

_PRUNE_EVERY = 60.0
_NAMED = 10
_LARGEST = 1 << 20
"""Messages of a transaction while nothing fails: any batch."""


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
        self._most = _LARGEST

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
        most = self._most
        self._reject([*prepared.rejected, *self._apply(prepared.valid)])
        if self._most == most:
            self._most = min(_LARGEST, 2 * most)
        self._prune_if_due()

    def idle(self) -> None:
        """Use a quiet moment."""
        self._prune_if_due()

    def _apply(self, messages: Sequence[_Decoded[T]]) -> list[DeadLetter]:
        """Have the effects of `messages`, in their order; return those that can never have one."""
        letters: list[DeadLetter] = []
        while messages:
            try:
                fresh, committed = self._retry.call(partial(self._apply_first, messages))
            except (InvalidMessageError, psycopg.Error) as error:
                if isinstance(error, psycopg.Error) and not is_refusal(error):
                    raise
                part = self._first(messages)
                letters += self._bisect(part, error)
            else:
                part = self._first(messages)
                committed()
                self._observer.handled(fresh)
                self._observer.duplicates(len(part) - fresh)
            messages = messages[len(part) :]
        return letters

    def _first(self, messages: Sequence[_Decoded[T]]) -> Sequence[_Decoded[T]]:
        return messages[: self._most]

    def _apply_first(self, messages: Sequence[_Decoded[T]]) -> tuple[int, Committed]:
        """Try as many of `messages` as one transaction may take now; see `_apply_in`."""
        part = self._first(messages)
        try:
            return self._apply_together(part)
        except UnavailableError:
            self._most = max(1, len(part) // 2)
            raise

    def _bisect(
        self, messages: Sequence[_Decoded[T]], error: InvalidMessageError | psycopg.Error
    ) -> list[DeadLetter]:
        """Have the effects of `messages`, one of which can never have one."""
        if len(messages) == 1:
            return [_letter(messages[0].record, error)]
        half = len(messages) // 2
        return [*self._apply(messages[:half]), *self._apply(messages[half:])]

    def _apply_together(self, messages: Sequence[_Decoded[T]]) -> tuple[int, Committed]:
        return self._database.run(
            "inbox", lambda transaction: self._apply_in(transaction, messages)
        )

    def _apply_in(
        self, transaction: Transaction, messages: Sequence[_Decoded[T]]
    ) -> tuple[int, Committed]:
        """Have the effects of those that have not had any.

        Returns:
            How many these were, and what is to be called after the commit.
        """
        ids = [decoded.message.envelope.id for decoded in messages]
        fresh = set(self._inbox.accept_all(transaction, ids))
        wanted = []
        for _, message, content in messages:
            if message.envelope.id in fresh:
                # The same batch may hold a copy.
                fresh.discard(message.envelope.id)
                wanted.append((message, content))
        committed = self._have(transaction, wanted) if wanted else _nothing
        return len(wanted), committed

    def _have(
        self, transaction: Transaction, messages: Sequence[tuple[IncomingMessage, T]]
    ) -> Committed:
        if isinstance(self._effects, BatchEffects):
            return self._effects.apply_all(transaction, messages)
        for message, content in messages:
            self._effects.apply(transaction, message, content)
        return _nothing

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


def _nothing() -> None:
    """Do nothing after a commit."""


def _letter(record: Message, error: InvalidMessageError | psycopg.Error) -> DeadLetter:
    if isinstance(error, InvalidMessageError):
        return DeadLetter(record, error.reason, error.faults)
    # The driver's own words hold values of the message.
    state = error.sqlstate or type(error).__name__
    return DeadLetter(record, "refused_by_storage", {"_message": [f"SQLSTATE {state}"]})


def _position(letter: DeadLetter) -> str:
    return f"{letter.message.partition}:{letter.message.offset}"
