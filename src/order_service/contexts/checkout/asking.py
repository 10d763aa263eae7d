"""How payments is asked about purchases: messages in the outbox, with the transaction."""

from collections.abc import Iterable
from typing import NamedTuple

from order_service.infra.postgres.database import Transaction

from .events import PaymentBody, payment_message
from .model import Purchase
from .ports import NewPurchase
from .storage import OUTBOX


class Asking(NamedTuple):
    """How payments is asked.

    Attributes:
        topic: Where.
        again_after: Seconds after which it is asked again.
    """

    topic: str
    again_after: float

    def about(
        self,
        transaction: Transaction,
        kind: str,
        purchases: Iterable[Purchase | NewPurchase],
        traceparent: str = "",
    ) -> None:
        """Have all of them paid for (REQUESTED), or what was paid for them given back (CANCELLED).

        Args:
            transaction: An open one.
            kind: Of the messages.
            purchases: Which.
            traceparent: The span that it is a consequence of; empty if there is none.
        """
        messages = (
            payment_message(kind, _body(each), self.topic, traceparent) for each in purchases
        )
        OUTBOX.add(transaction, *messages)


def _body(purchase: Purchase | NewPurchase) -> PaymentBody:
    return PaymentBody(purchase.id, purchase.owner, purchase.goods.amount, purchase.currency)
