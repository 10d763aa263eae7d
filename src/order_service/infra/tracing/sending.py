"""Spans of what is sent to Kafka, and the trace handed on with it.

Attributes follow OpenTelemetry's semantic conventions for messaging.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from order_service.infra.kafka.producer import AcknowledgedProducer, Record

from .spans import Attributes, child_span
from .traceparent import HEADER

if TYPE_CHECKING:
    from .otlp import Span


class TracedProducer(AcknowledgedProducer):
    """Publishes within a span, and hands the trace on in the records' headers."""

    def publish(self, records: Sequence[Record]) -> None:
        """See :meth:`AcknowledgedProducer.publish`."""
        if not records:
            return
        topic = records[0].topic
        with child_span(f"send {topic}", "producer", _sending(topic, len(records))) as span:
            super().publish(_followed(records, span) if span else records)


def _sending(topic: str, count: int) -> Attributes:
    return {
        "messaging.system": "kafka",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": topic,
        "messaging.batch.message_count": count,
    }


def _followed(records: Sequence[Record], span: "Span") -> list[Record]:
    header = (HEADER, span.context.header().encode())
    return [record._replace(headers=[*record.headers, header]) for record in records]
