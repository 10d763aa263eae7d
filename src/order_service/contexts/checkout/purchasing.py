"""Use cases: buy, see what one bought, take it back."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from order_service.context.paging import Page, page_of
from order_service.ledger.model import KeyedCommand

from .errors import TooLateError, WrongStatusError
from .model import Delivery, Goods, Purchase, Status
from .ports import NewPurchase, PurchaseStore

_NEWEST = UUID(int=2**128 - 1)


class Terms(NamedTuple):
    """What purchases are made on.

    Attributes:
        currency: ISO 4217 code.
        refund_within: For how long after its payment a customer may return a purchase.
    """

    currency: str
    refund_within: timedelta


class Purchasing:
    """The purchases of persons.

    Everything raises StorageUnavailableError if the storage cannot answer now.

    Args:
        store: Keeps them.
        terms: What they are made on.
        new_id: Makes ids that grow with time.
        now: Tells the time, in UTC.
    """

    def __init__(
        self,
        store: PurchaseStore,
        terms: Terms,
        new_id: Callable[[], UUID],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._terms = terms
        self._new_id = new_id
        self._now = now

    def buy(
        self,
        owner: UUID,
        goods: Goods,
        delivery: Delivery | None,
        key: KeyedCommand | None = None,
        traceparent: str = "",
    ) -> tuple[UUID, bool]:
        """Begin a purchase; what becomes of it is seen with `find`.

        Returns:
            Its id, and whether it is new: with a key that came before it is the one of then.

        Raises:
            KeyReusedError: The key came before with another request.
            StillRunningError: The request with this key is being handled.
        """
        new = NewPurchase(self._new_id(), owner, goods, self._terms.currency, delivery, traceparent)
        purchase = self._store.begin(new, key)
        return purchase, purchase == new.id

    def find(self, owner: UUID | None, purchase: UUID) -> Purchase:
        """Return a purchase of a person, of anybody's if it is None.

        Raises:
            UnknownPurchaseError: There is none.
        """
        return self._store.find(owner, purchase)

    def page(self, owner: UUID, limit: int, before: UUID | None) -> Page[Purchase, UUID]:
        """Return at most `limit` purchases with an id below `before`, newest first."""
        found = self._store.list(owner, limit + 1, before or _NEWEST)
        return page_of(found, limit, lambda purchase: purchase.id)

    def claim_key(self, key: KeyedCommand) -> None:
        """Have a key stand for one request about purchases, before that is done.

        Whatever can be asked under it may be done again without a further effect. So nothing is
        lost if the request breaks off in between.

        Raises:
            KeyReusedError: The key came before with another request.
            StillRunningError: Another one claims it at this moment.
        """
        self._store.claim_key(key)

    def cancel(self, owner: UUID, purchase: UUID, traceparent: str = "") -> Purchase:
        """Cancel a purchase that is pending; again, it stays cancelled.

        Raises:
            UnknownPurchaseError: There is none.
            WrongStatusError: It is not pending any more.
        """
        found = self._store.find(owner, purchase)
        if found.status is Status.PENDING:
            # Whoever else cancels it, or settles it, may be faster.
            self._store.cancel(found, traceparent)
            found = self._store.find(owner, purchase)
        if found.status is not Status.CANCELLED:
            raise WrongStatusError(found.status)
        return found

    def refund(
        self,
        owner: UUID | None,
        purchase: UUID,
        traceparent: str = "",
        *,
        at_any_time: bool = False,
    ) -> Purchase:
        """Have the money of a purchase given back, once; again, nothing more happens.

        Args:
            owner: Whose purchase it must be; None for anybody's.
            purchase: Which.
            traceparent: The span that the refund is a consequence of.
            at_any_time: Also when the days of the customer are over.

        Raises:
            UnknownPurchaseError: There is none.
            WrongStatusError: It is not paid for.
            TooLateError: The days are over.
        """
        found = self._store.find(owner, purchase)
        if found.status in {Status.REFUNDING, Status.REFUNDED}:
            return found
        if found.status is not Status.APPROVED:
            raise WrongStatusError(found.status)
        since = None if at_any_time else self._now() - self._terms.refund_within
        if since and found.settled_at and found.settled_at < since:
            raise TooLateError(str(purchase))
        self._store.refund(found, since, traceparent)
        return self._store.find(owner, purchase)

    def ask_again(self, owner: UUID, purchase: UUID) -> Purchase:
        """Have payments asked again about a purchase that waits for an answer.

        However often it is done, it is paid for at most once.

        Raises:
            UnknownPurchaseError: There is none.
            WrongStatusError: It waits for none.
        """
        found = self._store.find(owner, purchase)
        if not found.awaiting:
            raise WrongStatusError(found.status)
        self._store.ask_again(found)
        return found
