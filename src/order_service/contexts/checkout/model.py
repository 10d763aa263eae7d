"""Purchases: what is bought, by whom, and what becomes of it. Amounts are in minor units."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, NamedTuple
from uuid import UUID

from msgspec import Meta, Struct

MAX_QUANTITY = 10_000
MAX_TEXT = 255
MAX_PRODUCT_ID = 64

NO_NUL = r"^[^\x00]*\Z"
EMAIL_PATTERN = r"^[^@\s\x00]+@[^@\s.\x00]+(?:\.[^@\s.\x00]+)+\Z"

_Text = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT, pattern=NO_NUL)]


class Status(StrEnum):
    """Where a purchase stands."""

    PENDING = "pending"
    """Its payment has been asked for."""
    APPROVED = "approved"
    """It is paid for."""
    REJECTED = "rejected"
    """It was not, for a reason."""
    CANCELLED = "cancelled"
    """It was taken back before it was known to be paid for."""
    REFUNDING = "refunding"
    """It was taken back after that, and the money is on its way."""
    REFUNDED = "refunded"
    """The money is back."""

    @property
    def final(self) -> bool:
        """Whether it stays like this unless somebody asks for something."""
        return self not in {Status.PENDING, Status.REFUNDING}


class Outcome(StrEnum):
    """What became of a payment, as the answer to a request says it."""

    APPROVED = "approved"
    REJECTED = "rejected"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"


class Delivery(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Who receives what was bought, and where: as orders have it."""

    name: _Text
    phone: _Text
    zip: _Text
    city: _Text
    address: _Text
    region: _Text
    email: Annotated[str, Meta(min_length=3, max_length=MAX_TEXT, pattern=EMAIL_PATTERN)]


class Goods(NamedTuple):
    """What is bought.

    Attributes:
        product_id: As the catalogue has it.
        price: Of one piece.
    """

    product_id: str
    description: str
    quantity: int
    price: int

    @property
    def amount(self) -> int:
        """What all of it costs."""
        return self.quantity * self.price


class Purchase(NamedTuple):
    """A purchase as it stands now.

    Attributes:
        id: A uuid of version 7: later ones are greater.
        currency: ISO 4217 code.
        delivery: None if nothing is to be delivered.
        reason: Why it was rejected; empty otherwise.
        awaiting: Whether an answer of payments is waited for.
        created_at: In UTC.
        settled_at: When payments first answered; None until then.
    """

    id: UUID
    owner: UUID
    goods: Goods
    currency: str
    delivery: Delivery | None
    status: Status
    reason: str
    awaiting: bool
    created_at: datetime
    settled_at: datetime | None

    @property
    def order_uid(self) -> str | None:
        """The order that it has become; None if it has become none."""
        paid = self.status in {Status.APPROVED, Status.REFUNDING, Status.REFUNDED}
        return order_uid_of(self.id) if paid and self.delivery else None


class Answer(NamedTuple):
    """What payments says of a purchase.

    Attributes:
        reason: Why it was rejected; empty otherwise.
    """

    purchase: UUID
    outcome: Outcome
    reason: str


def order_uid_of(purchase: UUID) -> str:
    """Return the uid of the order that a purchase becomes; the same one each time."""
    return purchase.hex
