"""A span for the way of each recorded message from the outbox to its topic.

The message goes on below that span: what it brings about is seen to come after it was sent, and how
long it waited in the outbox is the time between the spans above and this one.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from order_service.infra.tracing.traceparent import HEADER, parse

from .ports import PendingMessage, Topics

if TYPE_CHECKING:
    from order_service.infra.tracing.otlp import Span, Tracer


class TracedTopics:
    """Implements :class:`ports.Topics` in front of others.

    Args:
        topics: Publish the messages.
        tracer: Begins the spans.
    """

    def __init__(self, topics: Topics, tracer: "Tracer") -> None:
        self._topics = topics
        self._tracer = tracer

    def publish(self, messages: Sequence[PendingMessage]) -> Mapping[int, str]:
        """See :meth:`ports.Topics.publish`."""
        spans: dict[int, Span] = {}
        with ExitStack() as exits:
            told = [self._begun(message, spans, exits) for message in messages]
            try:
                refused = self._topics.publish(told)
            except BaseException as error:
                for span in spans.values():
                    span.failed(type(error).__name__)
                raise
            for id_ in refused.keys() & spans.keys():
                spans[id_].failed("refused")
        return refused

    def close(self) -> None:
        """See :meth:`ports.Topics.close`."""
        self._topics.close()

    def _begun(
        self, message: PendingMessage, spans: "dict[int, Span]", exits: ExitStack
    ) -> PendingMessage:
        """Return the message as it goes on below its span, if it is recorded."""
        parent = parse(message.headers.get(HEADER))
        if parent is None or not parent.sampled:
            return message
        attributes = {
            "messaging.system": "kafka",
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "messaging.destination.name": message.topic,
            "messaging.message.id": message.headers.get("id", ""),
        }
        span = self._tracer.begin(f"send {message.topic}", "producer", attributes, parent=parent)
        spans[message.id] = span
        exits.callback(span.end)
        return message._replace(headers={**message.headers, HEADER: span.context.header()})
