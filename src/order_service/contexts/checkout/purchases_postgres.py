"""Purchases in Postgres, and the messages that leave with them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from order_service.infra.postgres.database import Database, Row, Transaction, UnavailableError
from order_service.ledger import errors as ledger_errors
from order_service.ledger.idempotency import KeyedCommand

from .errors import KeyReusedError, StillRunningError, UnknownPurchaseError
from .events import CANCELLED, REQUESTED, PaymentBody, Stamp, payment_message
from .model import Purchase, Status
from .ports import Key, NewPurchase
from .storage import IDEMPOTENCY, OUTBOX, QUERIES, available, purchase_of

_NOBODY = UUID(int=0)


class Asking(NamedTuple):
    """How payments is asked.

    Attributes:
        topic: Where.
        again_after: Seconds after which it is asked again.
        new_id: Makes the ids of messages.
    """

    topic: str
    again_after: float
    new_id: Callable[[], UUID]


class PostgresPurchases:
    """Implements :class:`ports.PurchaseStore`.

    Args:
        database: An open database.
        asking: How payments is asked.
    """

    def __init__(self, database: Database, asking: Asking) -> None:
        self._database = database
        self._asking = asking

    def check(self) -> None:
        """Raise StorageUnavailableError unless purchases can be read."""
        self._rows("purchase", {"id": _NOBODY, "owner": _NOBODY})

    def begin(self, purchase: NewPurchase, key: Key | None) -> UUID:
        """See :meth:`ports.PurchaseStore.begin`.

        Where the connection was lost on the way, it is tried again at once: the id of the purchase,
        or the key, tells whether it took effect.
        """
        with available():
            try:
                return self._begin(purchase, key)
            except UnavailableError as error:
                if not error.outcome_unknown:
                    raise
            return self._begin(purchase, key)

    def _begin(self, purchase: NewPurchase, key: Key | None) -> UUID:
        try:
            return self._database.run("buy", lambda opened: self._answer(opened, purchase, key))
        except ledger_errors.KeyReusedError as error:
            raise KeyReusedError(str(error)) from error
        except ledger_errors.StillRunningError as error:
            raise StillRunningError(str(error)) from error

    def _answer(self, opened: Transaction, purchase: NewPurchase, key: Key | None) -> UUID:
        def effect() -> bytes:
            if opened.execute(QUERIES["begin_purchase"], self._columns(purchase)):
                self._ask(opened, REQUESTED, _body_of_new(purchase), purchase.traceparent)
            return purchase.id.bytes

        if key is None:
            return UUID(bytes=effect())
        command = KeyedCommand(purchase.owner, key.key, key.content)
        return UUID(bytes=IDEMPOTENCY.answer(opened.execute, command, effect))

    def _columns(self, purchase: NewPurchase) -> Mapping[str, object]:
        delivery = purchase.delivery
        return {
            **purchase.goods._asdict(),
            "id": purchase.id,
            "owner": purchase.owner,
            "currency": purchase.currency,
            "delivery": msgspec.json.encode(delivery).decode() if delivery else None,
            "ask_again_after": self._asking.again_after,
        }

    def find(self, owner: UUID | None, purchase: UUID) -> Purchase:
        """See :meth:`ports.PurchaseStore.find`."""
        rows = self._rows("purchase", {"id": purchase, "owner": owner})
        if not rows:
            raise UnknownPurchaseError(str(purchase))
        return purchase_of(rows[0])

    def list(self, owner: UUID, limit: int, before: UUID) -> Sequence[Purchase]:
        """See :meth:`ports.PurchaseStore.list`."""
        wanted = {"owner": owner, "limit": limit, "before": before}
        return [purchase_of(row) for row in self._rows("purchases_of", wanted)]

    def cancel(self, purchase: Purchase, traceparent: str) -> bool:
        """See :meth:`ports.PurchaseStore.cancel`."""
        wanted = {"before": Status.PENDING, "after": Status.CANCELLED, "since": None}
        return self._take_back(purchase, wanted, traceparent)

    def refund(self, purchase: Purchase, since: datetime | None, traceparent: str) -> bool:
        """See :meth:`ports.PurchaseStore.refund`."""
        wanted = {"before": Status.APPROVED, "after": Status.REFUNDING, "since": since}
        return self._take_back(purchase, wanted, traceparent)

    def _take_back(
        self, purchase: Purchase, change: Mapping[str, object], traceparent: str
    ) -> bool:
        again = {"ask_again_after": self._asking.again_after}
        wanted = {"id": purchase.id, **change, **again}

        def work(opened: Transaction) -> bool:
            changed = bool(opened.execute(QUERIES["take_back_purchase"], wanted))
            if changed:
                self._ask(opened, CANCELLED, _body(purchase), traceparent)
            return changed

        with available():
            return self._database.run("take_back", work)

    def ask_again(self, purchase: Purchase) -> None:
        """See :meth:`ports.PurchaseStore.ask_again`."""
        wanted = {"id": purchase.id, "ask_again_after": self._asking.again_after}
        with available():
            self._database.run("ask_again_about", lambda opened: self._ask_again(opened, wanted))

    def ask_again_about_all(self, limit: int) -> int:
        """Ask again about at most `limit` purchases for which it is time; return about how many.

        Raises:
            StorageUnavailableError: The database is away.
        """
        wanted = {"limit": limit, "ask_again_after": self._asking.again_after}
        with available():
            return self._database.run(
                "ask_again", lambda opened: self._ask_again(opened, wanted, "ask_again")
            )

    def _ask_again(
        self, opened: Transaction, wanted: Mapping[str, object], query: str = "ask_again_about"
    ) -> int:
        found = [purchase_of(row) for row in opened.execute(QUERIES[query], wanted)]
        for purchase in found:
            kind = REQUESTED if purchase.status is Status.PENDING else CANCELLED
            self._ask(opened, kind, _body(purchase), "")
        return len(found)

    def _ask(self, opened: Transaction, kind: str, body: PaymentBody, traceparent: str) -> None:
        stamp = Stamp(self._asking.new_id(), datetime.now(UTC), traceparent)
        OUTBOX.add(opened, payment_message(kind, body, self._asking.topic, stamp))

    def _rows(self, query: str, values: Mapping[str, Any]) -> Sequence[Row]:
        with available():
            return self._database.read(QUERIES[query], values)


def _body(purchase: Purchase) -> PaymentBody:
    return PaymentBody(purchase.id, purchase.owner, purchase.goods.amount, purchase.currency)


def _body_of_new(purchase: NewPurchase) -> PaymentBody:
    return PaymentBody(purchase.id, purchase.owner, purchase.goods.amount, purchase.currency)
