"""What may be told of a message that was no order, and how one is known to be one now.

What may be shown is listed, not what must be hidden: a rejected message is often one whose
fields have other names or places than they should, and a name is personal there, too.
"""

from functools import partial

from order_service.config import Config
from order_service.messaging.dead_letters import DeadLetterTopic, Original, member_is
from order_service.messaging.dead_letters.masking import masked, shape_of

from .decode import decode
from .model import Item, Order, Payment
from .settings import OrdersSettings

_PERSONAL = frozenset({"delivery", "customer_id", "internal_signature"})

_SHAPE = shape_of(
    Order, _PERSONAL, payment=shape_of(Payment, _PERSONAL), items=shape_of(Item, _PERSONAL)
)


def dead_letter_topic(config: Config) -> DeadLetterTopic:
    """Return the dead-letter topic of the orders."""
    settings = config.of(OrdersSettings)
    return DeadLetterTopic(
        name=settings.dead_letter_topic,
        source=settings.topic,
        noun="order",
        check=partial(order_key, max_bytes=settings.max_message_bytes),
        keyed=True,
        mentions=member_is("order_uid"),
        masked=masked_order,
    )


def order_key(message: Original, max_bytes: int) -> str:
    """Return the order_uid of a valid order.

    Raises:
        InvalidOrderError: It is none.
    """
    return decode(message.body, max_bytes).order_uid


def masked_order(body: bytes) -> object:
    """Return the JSON value of `body`, all but known impersonal fields masked.

    Raises:
        ValueError: It is no JSON; then nothing can be told apart, nor shown.
    """
    return masked(body, _SHAPE)
