"""The effect of requests to pay: what the messages of their topic do here."""

import dataclasses
from collections.abc import Sequence
from functools import partial

from order_service.infra.postgres.database import Transaction
from order_service.ledger.errors import LimitError
from order_service.messaging.errors import InvalidMessageError
from order_service.messaging.inbox import Committed, IncomingMessage

from .book_postgres import Answering, PostgresBook
from .errors import ConflictingRequestError
from .events import command_of
from .metrics import PaymentMetrics
from .model import PaymentCommand
from .settling import settle


@dataclasses.dataclass(frozen=True)
class PaymentRequests:
    """Implements :class:`messaging.inbox.BatchEffects`.

    Attributes:
        answering: How answers are sent.
        max_amount: The largest amount that is paid at once.
        metrics: Told of the answers.
    """

    answering: Answering
    max_amount: int
    metrics: PaymentMetrics

    def decode(self, message: IncomingMessage) -> PaymentCommand:
        """See :meth:`messaging.inbox.BatchEffects.decode`."""
        return command_of(message)

    def apply_all(
        self,
        transaction: Transaction,
        messages: Sequence[tuple[IncomingMessage, PaymentCommand]],
    ) -> Committed:
        """See :meth:`messaging.inbox.BatchEffects.apply_all`."""
        traces = {
            command.purchase: message.envelope.traceparent
            for message, command in messages
            if message.envelope.traceparent
        }
        book = PostgresBook(transaction, self.answering._replace(traces=traces))
        commands = [command for _, command in messages]
        try:
            settlements = settle(book, commands, self.max_amount)
        except ConflictingRequestError as error:
            fault = {"purchase": ["Was asked about before, with another amount or owner."]}
            raise InvalidMessageError("conflicting_request", fault) from error
        except LimitError as error:
            fault = {"amount": ["More than can be counted would have been paid."]}
            raise InvalidMessageError("limit_exceeded", fault) from error
        return partial(self.metrics.answered, settlements)
