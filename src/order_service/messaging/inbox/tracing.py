"""A span for each message that comes from a recorded one, so that a trace spans all contexts.

The batch that a message is handled in belongs to no trace; see `infra.tracing.batches`. Its effect
belongs to that of the message, and so do the messages that answer it.
"""

from typing import TYPE_CHECKING, Generic, TypeVar

from order_service.infra.postgres.database import Transaction
from order_service.infra.tracing.spans import entered
from order_service.infra.tracing.traceparent import parse

from .handler import Effects, IncomingMessage

if TYPE_CHECKING:
    from order_service.infra.tracing.otlp import Tracer

T = TypeVar("T")


class TracedEffects(Generic[T]):
    """Implements :class:`handler.Effects` around those that do the work.

    Args:
        effects: Do the work.
        tracer: Begins the spans.
    """

    def __init__(self, effects: Effects[T], tracer: "Tracer") -> None:
        self._effects = effects
        self._tracer = tracer

    def decode(self, message: IncomingMessage) -> T:
        """See :meth:`handler.Effects.decode`."""
        return self._effects.decode(message)

    def apply(self, transaction: Transaction, message: IncomingMessage, content: T) -> None:
        """See :meth:`handler.Effects.apply`."""
        parent = parse(message.envelope.traceparent)
        if parent is None or not parent.sampled:
            self._effects.apply(transaction, message, content)
            return
        attributes = {
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": message.topic,
            "messaging.message.id": str(message.envelope.id),
        }
        name = f"process {message.envelope.type}"
        with entered(self._tracer.begin(name, "consumer", attributes, parent=parent)):
            self._effects.apply(transaction, message, content)
