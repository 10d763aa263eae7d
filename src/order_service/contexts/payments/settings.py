"""What operators can tell the payments context."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from order_service.config import Contradiction, Section, ignored
from order_service.config.model import Name, TopicName

MAX_AMOUNT = 2**53 - 1
"""Largest amount that every JSON reader keeps exact (RFC 8259, 6)."""


class PaymentsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Wallets, and the topics that payments are asked for and answered on."""

    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")] = "USD"
    max_amount: Annotated[int, Meta(ge=1, le=MAX_AMOUNT)] = 2147483647
    requests_topic: TopicName = "checkout.payment-requested.v1"
    settlements_topic: TopicName = "payments.payment-settled.v1"
    group_id: Name = "payments"

    @property
    def dead_letter_topic(self) -> str:
        """Where requests go that can never be handled."""
        return f"{self.requests_topic}.dead-letters"


def _rules(settings: PaymentsSettings) -> Iterator[Contradiction]:
    if settings.settlements_topic == settings.requests_topic:
        yield "payments.settlements_topic", "is the topic of the requests (payments.requests_topic)"


SECTION = Section("payments", PaymentsSettings, _rules, retired=ignored("payments.batch_messages"))
