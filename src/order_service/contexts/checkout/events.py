"""The messages that checkout gives and takes: JSON, documented in docs/checkout.md."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
from msgspec import Struct
from uuid_utils.compat import uuid7

from order_service.messaging.envelope import JSON, Envelope
from order_service.messaging.errors import InvalidMessageError
from order_service.messaging.inbox import IncomingMessage
from order_service.messaging.outbox import OutgoingMessage

from .model import Answer, Outcome

REQUESTED = "checkout.payment-requested.v1"
CANCELLED = "checkout.payment-cancelled.v1"
SETTLED = "payments.payment-settled.v1"


class PaymentBody(Struct, frozen=True, gc=False):
    """Body of a request to pay, and of one to cancel a payment."""

    purchase: UUID
    owner: UUID
    amount: int
    currency: str


class AnswerBody(Struct, frozen=True, gc=False):
    """Body of an answer; what is not known is ignored."""

    purchase: UUID
    outcome: Outcome
    reason: str = ""


_decode = msgspec.json.Decoder(AnswerBody).decode
_encode = msgspec.json.Encoder().encode


def payment_message(kind: str, body: PaymentBody, topic: str, traceparent: str) -> OutgoingMessage:
    """Return a request to pay (REQUESTED) or to cancel a payment (CANCELLED).

    Args:
        kind: Of the message.
        body: What it says.
        topic: Where to.
        traceparent: The span that it is a consequence of; empty if there is none.
    """
    envelope = Envelope(uuid7(), kind, datetime.now(UTC), JSON, traceparent)
    return OutgoingMessage(topic, str(body.owner).encode(), _encode(body), envelope)


def answer_of(message: IncomingMessage) -> Answer:
    """Return what a message says.

    Raises:
        InvalidMessageError: It is no answer.
    """
    if message.envelope.type != SETTLED:
        raise InvalidMessageError("unknown_type", {"type": [f"Must be {SETTLED}."]})
    try:
        body = _decode(message.value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidMessageError("invalid_body", {"_message": [str(error)]}) from error
    return Answer(body.purchase, body.outcome, body.reason[:32])
