"""Purchases in Postgres, and the messages that leave with them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from order_service.infra.postgres.database import Database, Transaction
from order_service.infra.postgres.faults import UnavailableError
from order_service.infra.postgres.sql import Row
from order_service.ledger.model import KeyedCommand

from .asking import Asking
from .errors import UnknownPurchaseError
from .events import CANCELLED, REQUESTED
from .model import Purchase, Status
from .ports import NewPurchase
from .storage import IDEMPOTENCY, QUERIES, available, purchase_of

_NOBODY = UUID(int=0)


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

    def begin(self, purchase: NewPurchase, key: KeyedCommand | None) -> UUID:
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

    def _begin(self, purchase: NewPurchase, key: KeyedCommand | None) -> UUID:
        return self._database.run("buy", lambda opened: self._answer(opened, purchase, key))

    def _answer(self, opened: Transaction, purchase: NewPurchase, key: KeyedCommand | None) -> UUID:
        def effect() -> bytes:
            if opened.execute(QUERIES["begin_purchase"], self._columns(purchase)):
                self._asking.about(opened, REQUESTED, [purchase], purchase.traceparent)
            return purchase.id.bytes

        if key is None:
            return UUID(bytes=effect())
        return UUID(bytes=IDEMPOTENCY.answer(opened.execute, key, effect))

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

    def claim_key(self, key: KeyedCommand) -> None:
        """See :meth:`ports.PurchaseStore.claim_key`."""
        with available():
            self._database.run(
                "claim_key",
                lambda opened: IDEMPOTENCY.answer(opened.execute, key, lambda: b""),
            )

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
                self._asking.about(opened, CANCELLED, [purchase], traceparent)
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
        pending = [each for each in found if each.status is Status.PENDING]
        self._asking.about(opened, REQUESTED, pending)
        self._asking.about(opened, CANCELLED, [each for each in found if each not in pending])
        return len(found)

    def _rows(self, query: str, values: Mapping[str, Any]) -> Sequence[Row]:
        with available():
            return self._database.read(QUERIES[query], values)
