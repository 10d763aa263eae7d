"""What may be told of a request that could not be handled, and how one is known to be one now."""

from functools import partial

from order_service.config import Config
from order_service.messaging.dead_letters import DeadLetterTopic, Original, member_is
from order_service.messaging.dead_letters.masking import masked, shape_of
from order_service.messaging.envelope import Envelope
from order_service.messaging.inbox import IncomingMessage

from .events import PaymentBody, command_of
from .settings import PaymentsSettings

_SHAPE = shape_of(PaymentBody, personal={"owner"})


def dead_letter_topic(config: Config) -> DeadLetterTopic:
    """Return the dead-letter topic of the requests."""
    settings = config.of(PaymentsSettings)
    return DeadLetterTopic(
        name=settings.dead_letter_topic,
        source=settings.requests_topic,
        noun="payment request",
        check=partial(_purchase_of, topic=settings.requests_topic),
        mentions=member_is("purchase"),
        masked=partial(masked, shape=_SHAPE),
    )


def _purchase_of(message: Original, topic: str) -> str:
    envelope = Envelope.parse(message.headers.items())
    return str(command_of(IncomingMessage(envelope, topic, message.key, message.body)).purchase)
