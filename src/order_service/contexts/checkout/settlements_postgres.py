"""Where answers take effect: a transaction that also holds their messages and those of orders."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from uuid import UUID

from order_service.infra.postgres.database import Transaction
from order_service.messaging.errors import InvalidMessageError
from order_service.messaging.inbox import Committed, IncomingMessage

from .asking import Asking
from .errors import UnknownPurchaseError
from .events import CANCELLED, answer_of
from .metrics import SettlementMetrics
from .model import Answer, Purchase
from .order_message import order_message
from .settling import settle
from .storage import OUTBOX, QUERIES, purchase_of


class PostgresSettlementStore:
    """Implements :class:`ports.SettlementStore`.

    Args:
        transaction: An open one.
        asking: How payments is asked.
        orders_topic: Where orders are published.
    """

    def __init__(self, transaction: Transaction, asking: Asking, orders_topic: str) -> None:
        self._transaction = transaction
        self._asking = asking
        self._orders_topic = orders_topic

    def move(self, answers: Sequence[Answer]) -> Sequence[Purchase]:
        """See :meth:`ports.SettlementStore.move`."""
        names = ("purchases", "outcomes", "reasons")
        columns = map(list, zip(*answers, strict=True))
        wanted = dict(zip(names, columns, strict=True))
        return [
            purchase_of(row) for row in self._transaction.execute(QUERIES["move_purchases"], wanted)
        ]

    def missing(self, purchases: Collection[UUID]) -> Collection[UUID]:
        """See :meth:`ports.SettlementStore.missing`."""
        wanted = {"purchases": [*purchases]}
        return [row[0] for row in self._transaction.execute(QUERIES["missing_purchases"], wanted)]

    def take_back_rejected(self, purchases: Collection[UUID]) -> Sequence[Purchase]:
        """See :meth:`ports.SettlementStore.take_back_rejected`."""
        wanted = {"purchases": [*purchases], "ask_again_after": self._asking.again_after}
        rows = self._transaction.execute(QUERIES["take_back_rejected"], wanted)
        found = [purchase_of(row) for row in rows]
        self._asking.about(self._transaction, CANCELLED, found)
        return found

    def publish_orders(self, purchases: Sequence[Purchase], traces: Mapping[UUID, str]) -> None:
        """See :meth:`ports.SettlementStore.publish_orders`."""
        messages = (
            order_message(each, self._orders_topic, traces.get(each.id, "")) for each in purchases
        )
        OUTBOX.add(self._transaction, *messages)


class Settlements:
    """Implements :class:`messaging.inbox.BatchEffects`: the answers of payments.

    Args:
        asking: How payments is asked.
        orders_topic: Where orders are published.
        metrics: Told what the answers did.
    """

    def __init__(self, asking: Asking, orders_topic: str, metrics: SettlementMetrics) -> None:
        self._asking = asking
        self._orders_topic = orders_topic
        self._metrics = metrics

    def decode(self, message: IncomingMessage) -> Answer:
        """See :meth:`messaging.inbox.BatchEffects.decode`."""
        return answer_of(message)

    def apply_all(
        self, transaction: Transaction, messages: Sequence[tuple[IncomingMessage, Answer]]
    ) -> Committed:
        """See :meth:`messaging.inbox.BatchEffects.apply_all`."""
        traces = {answer.purchase: message.envelope.traceparent for message, answer in messages}
        store = PostgresSettlementStore(transaction, self._asking, self._orders_topic)
        try:
            settled = settle(store, [answer for _, answer in messages], traces)
        except UnknownPurchaseError as error:
            fault = {"purchase": ["There is no such purchase."]}
            raise InvalidMessageError("unknown_purchase", fault) from error
        return partial(self._metrics.settled, settled)
