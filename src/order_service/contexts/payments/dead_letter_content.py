"""What may be told of a request that could not be handled, and how one is known to be one now."""

from functools import partial

import msgspec

from order_service.messaging.dead_letters import DeadLetterTopic, Original
from order_service.messaging.dead_letters.masking import masked, shape_of
from order_service.messaging.envelope import Envelope
from order_service.messaging.inbox import IncomingMessage

from .events import PaymentBody, command_of
from .settings import PaymentsSettings

_SHAPE = shape_of(PaymentBody, personal={"owner"})


class _HasPurchase(msgspec.Struct):
    purchase: object = None


_decode = msgspec.json.Decoder(_HasPurchase).decode


def dead_letter_topic(settings: PaymentsSettings) -> DeadLetterTopic:
    """Return the dead-letter topic of the requests."""
    return DeadLetterTopic(
        name=settings.dead_letter_topic,
        source=settings.requests_topic,
        noun="payment request",
        check=partial(purchase_of, topic=settings.requests_topic),
        mentions=mentions,
        masked=partial(masked, shape=_SHAPE),
    )


def purchase_of(message: Original, topic: str) -> str:
    """Return the id of the purchase that a message is about.

    Raises:
        InvalidMessageError: It cannot be handled.
    """
    envelope = Envelope.parse(message.headers.items())
    return str(command_of(IncomingMessage(envelope, topic, message.key, message.body)).purchase)


def mentions(body: bytes, wanted: str) -> bool:
    """Return whether a body, valid or not, names this purchase."""
    try:
        return _decode(body).purchase == wanted
    except (ValueError, RecursionError):
        return False
