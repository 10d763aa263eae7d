"""Makes envelopes of messages that begin their way here and now."""

from datetime import UTC, datetime

from uuid_utils.compat import uuid7

from order_service.infra.tracing.spans import current_traceparent
from order_service.messaging.envelope import JSON, Envelope


def new_envelope(type_: str, content_type: str = JSON, *, time: datetime | None = None) -> Envelope:
    """Return the envelope of a new message: an id of its own, and the present trace.

    Args:
        type_: What the body says, such as ``payments.payment-settled.v1``.
        content_type: A media type.
        time: When it came about; now unless it is given.
    """
    traceparent = current_traceparent() or ""
    return Envelope(uuid7(), type_, time or datetime.now(UTC), content_type, traceparent)
