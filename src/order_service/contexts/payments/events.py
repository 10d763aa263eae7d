"""The messages that payments takes and gives: JSON, documented in docs/checkout.md."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct
from uuid_utils.compat import uuid7

from order_service.messaging.envelope import JSON, Envelope
from order_service.messaging.errors import InvalidMessageError
from order_service.messaging.inbox import IncomingMessage
from order_service.messaging.outbox import OutgoingMessage

from .model import PaymentCancellation, PaymentCommand, PaymentRequest, Settlement

REQUESTED = "checkout.payment-requested.v1"
CANCELLED = "checkout.payment-cancelled.v1"
SETTLED = "payments.payment-settled.v1"

_MAX_AMOUNT = 2**63 - 1


class PaymentBody(Struct, frozen=True, gc=False):
    """Body of a request and of a cancellation; what is not known is ignored."""

    purchase: UUID
    owner: UUID
    amount: Annotated[int, Meta(ge=1, le=_MAX_AMOUNT)]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]


class SettledBody(Struct, frozen=True, gc=False):
    """Body of an answer."""

    purchase: UUID
    owner: UUID
    amount: int
    currency: str
    outcome: str
    reason: str
    settled_at: datetime


_COMMANDS: dict[str, type[PaymentRequest] | type[PaymentCancellation]] = {
    REQUESTED: PaymentRequest,
    CANCELLED: PaymentCancellation,
}
_decode = msgspec.json.Decoder(PaymentBody).decode
_encode = msgspec.json.Encoder().encode


def command_of(message: IncomingMessage) -> PaymentCommand:
    """Return what a message asks for.

    Raises:
        InvalidMessageError: It asks for nothing that there is.
    """
    kind = _COMMANDS.get(message.envelope.type)
    if kind is None:
        raise InvalidMessageError("unknown_type", {"type": [f"Must be {' or '.join(_COMMANDS)}."]})
    try:
        body = _decode(message.value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidMessageError("invalid_body", {"_message": [str(error)]}) from error
    return kind(body.purchase, body.owner, body.amount, body.currency)


def settled_message(settlement: Settlement, topic: str, traceparent: str) -> OutgoingMessage:
    """Return the message that says what became of a payment."""
    now = datetime.now(UTC)
    purchase, owner, amount, currency, outcome, reason = settlement
    body = SettledBody(purchase, owner, amount, currency, outcome, reason, now)
    envelope = Envelope(uuid7(), SETTLED, now, JSON, traceparent)
    return OutgoingMessage(topic, str(owner).encode(), _encode(body), envelope)
