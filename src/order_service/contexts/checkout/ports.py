"""What the use cases of checkout need from the outside, as Protocols."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from order_service.ledger.model import KeyedCommand

from .model import Answer, Delivery, Goods, Purchase


class NewPurchase(NamedTuple):
    """A purchase that begins.

    Attributes:
        traceparent: The span that it is a consequence of; empty if there is none.
    """

    id: UUID
    owner: UUID
    goods: Goods
    currency: str
    delivery: Delivery | None
    traceparent: str = ""


class PurchaseStore(Protocol):
    """Keeps purchases, and tells payments of them. Every method raises StorageUnavailableError."""

    def begin(self, purchase: NewPurchase, key: KeyedCommand | None) -> UUID:
        """Keep a pending purchase and have its payment asked for; return its id.

        With a key that came before it is the id of the purchase that began then.

        Raises:
            KeyReusedError: The key came before with other content.
            StillRunningError: The request with this key is being handled.
        """

    def claim_key(self, key: KeyedCommand) -> None:
        """Have a key stand for what is asked for under it.

        Raises:
            KeyReusedError: The key came before with other content.
            StillRunningError: Another one claims it at this moment.
        """

    def find(self, owner: UUID | None, purchase: UUID) -> Purchase:
        """Return a purchase of a person, of anybody's if it is None.

        Raises:
            UnknownPurchaseError: There is none.
        """

    def list(self, owner: UUID, limit: int, before: UUID) -> Sequence[Purchase]:
        """Return the newest purchases of a person with an id below `before`, newest first."""

    def cancel(self, purchase: Purchase, traceparent: str) -> bool:
        """Cancel a pending purchase and have its payment cancelled; return whether it was one."""

    def refund(self, purchase: Purchase, since: datetime | None, traceparent: str) -> bool:
        """Begin the refund of an approved purchase; return whether it was one.

        Args:
            purchase: Which.
            since: When it must have been settled at the earliest; None for no such limit.
            traceparent: The span that the refund is a consequence of.
        """

    def ask_again(self, purchase: Purchase) -> None:
        """Have payments asked again, unless that was done a moment ago."""


class SettlementStore(Protocol):
    """Where answers take effect: one open transaction of the database."""

    def move(self, answers: Sequence[Answer]) -> Sequence[Purchase]:
        """Move purchases on to what the answers say; return those that moved.

        One that is not in a status from which the answer leads on stays as it is.

        Args:
            answers: At most one about each purchase.
        """

    def take_back_rejected(self, purchases: Collection[UUID]) -> Sequence[Purchase]:
        """Cancel those that were rejected, and have payments give back what it took.

        Return which these are.
        """

    def missing(self, purchases: Collection[UUID]) -> Collection[UUID]:
        """Return which purchases there are none of."""

    def publish_orders(self, purchases: Sequence[Purchase], traces: Mapping[UUID, str]) -> None:
        """Have the orders published that purchases have become, with the transaction."""
