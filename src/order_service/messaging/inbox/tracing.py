"""A span for each message that comes from a recorded one, so that a trace spans all contexts.

The batch that a message is handled in belongs to no trace; see `infra.tracing.batches`. Its effect
belongs to that of the message, and so do the messages that answer it.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

from order_service.infra.postgres.database import Transaction
from order_service.infra.tracing.spans import entered
from order_service.infra.tracing.traceparent import parse

from .ports import BatchEffects, Committed, Effects, IncomingMessage

if TYPE_CHECKING:
    from order_service.infra.tracing.otlp import Span, Tracer

T = TypeVar("T")


class TracedEffects(Generic[T]):
    """Implements :class:`ports.Effects` around those that do the work.

    Args:
        effects: Do the work.
        tracer: Begins the spans.
    """

    def __init__(self, effects: Effects[T], tracer: "Tracer") -> None:
        self._effects = effects
        self._tracer = tracer

    def decode(self, message: IncomingMessage) -> T:
        """See :meth:`ports.Effects.decode`."""
        return self._effects.decode(message)

    def apply(self, transaction: Transaction, message: IncomingMessage, content: T) -> None:
        """See :meth:`ports.Effects.apply`."""
        span = _begin(self._tracer, message)
        if span is None:
            self._effects.apply(transaction, message, content)
            return
        with entered(span):
            self._effects.apply(transaction, message, content)


class TracedBatchEffects(Generic[T]):
    """Implements :class:`ports.BatchEffects` around those that do the work.

    No span is current meanwhile, as there are several: the `traceparent` of a message is that of
    its own, for the messages that answer it.

    Args:
        effects: Do the work.
        tracer: Begins the spans.
    """

    def __init__(self, effects: BatchEffects[T], tracer: "Tracer") -> None:
        self._effects = effects
        self._tracer = tracer

    def decode(self, message: IncomingMessage) -> T:
        """See :meth:`ports.BatchEffects.decode`."""
        return self._effects.decode(message)

    def apply_all(
        self, transaction: Transaction, messages: Sequence[tuple[IncomingMessage, T]]
    ) -> Committed:
        """See :meth:`ports.BatchEffects.apply_all`."""
        with ExitStack() as exits:
            told = []
            for message, content in messages:
                span = _begin(self._tracer, message)
                if span is not None:
                    exits.enter_context(_ended(span))
                    message = _within(message, span)  # noqa: PLW2901 - the same one
                told.append((message, content))
            return self._effects.apply_all(transaction, told)


@contextmanager
def _ended(span: "Span") -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        span.failed(type(error).__name__)
        raise
    finally:
        span.end()


def _within(message: IncomingMessage, span: "Span") -> IncomingMessage:
    envelope = message.envelope._replace(traceparent=span.context.header())
    return message._replace(envelope=envelope)


def _begin(tracer: "Tracer", message: IncomingMessage) -> "Span | None":
    """Begin the span of a message, None if it does not come from a recorded one."""
    parent = parse(message.envelope.traceparent)
    if parent is None or not parent.sampled:
        return None
    attributes = {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": message.topic,
        "messaging.message.id": str(message.envelope.id),
    }
    name = f"process {message.envelope.type}"
    return tracer.begin(name, "consumer", attributes, parent=parent)


def traced(effects: Effects[T] | BatchEffects[T], tracer: "Tracer") -> Effects[T] | BatchEffects[T]:
    """Return `effects` with a span for each message that comes from a recorded one."""
    if isinstance(effects, BatchEffects):
        return TracedBatchEffects(effects, tracer)
    return TracedEffects(effects, tracer)
