"""What operators can tell the checkout context."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from order_service.config import Contradiction, Section, ignored
from order_service.config.model import Name, Seconds, TopicName

MAX_AMOUNT = 2**53 - 1
"""Largest amount that every JSON reader keeps exact (RFC 8259, 6)."""


class CheckoutSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Purchases, and the topics that their payment is asked for on."""

    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")] = "USD"
    max_amount: Annotated[int, Meta(ge=1, le=MAX_AMOUNT)] = 2147483647
    refund_days: Annotated[int, Meta(ge=0, le=3650)] = 14
    ask_again_after: Seconds = 30.0
    requests_topic: TopicName = "checkout.payment-requested.v1"
    settlements_topic: TopicName = "payments.payment-settled.v1"
    orders_topic: TopicName = "orders"
    group_id: Name = "checkout"

    @property
    def dead_letter_topic(self) -> str:
        """Where answers go that can never be handled."""
        return f"{self.settlements_topic}.dead-letters"


def _rules(settings: CheckoutSettings) -> Iterator[Contradiction]:
    if settings.settlements_topic == settings.requests_topic:
        yield "checkout.settlements_topic", "is the topic of the requests (checkout.requests_topic)"
    if settings.orders_topic in {settings.requests_topic, settings.settlements_topic}:
        yield "checkout.orders_topic", "is a topic of payments"


SECTION = Section(
    "checkout",
    CheckoutSettings,
    _rules,
    retired=ignored("checkout.max_streams", "checkout.batch_messages"),
)
