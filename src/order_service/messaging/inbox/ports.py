"""What the handler of an inbox needs of the outside, and what it hands to a context."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeAlias, TypeVar, runtime_checkable

from order_service.infra.postgres.database import Transaction
from order_service.infra.retry import Retrying
from order_service.messaging.envelope import Envelope
from order_service.messaging.ports import DeadLetters

from .accepting import Inbox, Pruning

T = TypeVar("T")
R = TypeVar("R")

Committed: TypeAlias = Callable[[], object]
"""What is done once a transaction is committed, and only then: it counts, say."""


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
    ) -> Committed:
        """Have the effects of messages that have had none; see :meth:`Effects.apply`.

        Returns:
            What is to be called once all of it is committed.

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


class Transactions(Pruning, Protocol):
    """Runs transactions; :class:`infra.postgres.database.Database` does."""

    def run(self, name: str, work: Callable[[Transaction], R]) -> R:
        """Run `work` as one transaction, again if another one came in between."""


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
