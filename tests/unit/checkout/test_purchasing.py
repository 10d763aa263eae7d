"""Changes of purchases that others change at the same moment."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID, uuid4

import pytest

from order_service.contexts.checkout.errors import WrongStatusError
from order_service.contexts.checkout.model import Goods, Purchase, Status
from order_service.contexts.checkout.ports import PurchaseStore
from order_service.contexts.checkout.purchasing import Purchasing, Terms

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ID, OWNER = uuid4(), uuid4()


class Overtaking:
    """A store with one purchase, which somebody else changes between reading and changing."""

    def __init__(self, status: Status) -> None:
        goods = Goods("1", "Mascaras", 1, 5)
        self._purchase = Purchase(
            ID,
            OWNER,
            goods,
            "USD",
            delivery=None,
            status=Status.PENDING,
            reason="",
            awaiting=True,
            created_at=NOW,
            settled_at=None,
        )
        self._meanwhile = status

    def find(self, owner: UUID | None, purchase: UUID) -> Purchase:
        assert (owner, purchase) == (OWNER, ID)
        return self._purchase

    def cancel(self, purchase: Purchase, traceparent: str) -> bool:
        assert purchase.status is Status.PENDING
        assert traceparent == ""
        self._purchase = purchase._replace(status=self._meanwhile)
        return False


def overtaken(status: Status) -> Callable[[], Purchase]:
    store = cast("PurchaseStore", Overtaking(status))
    purchasing = Purchasing(store, Terms("USD", timedelta(days=1)), uuid4, lambda: NOW)
    return lambda: purchasing.cancel(OWNER, ID)


def test_of_two_cancellations_at_once_both_are_told_that_it_is_cancelled() -> None:
    assert overtaken(Status.CANCELLED)().status is Status.CANCELLED


def test_a_cancellation_that_comes_too_late_is_told_what_it_met() -> None:
    with pytest.raises(WrongStatusError, match="approved"):
        overtaken(Status.APPROVED)()
