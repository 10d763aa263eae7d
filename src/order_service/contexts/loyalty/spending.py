"""Use cases: see one's points, spend them, and book them for others."""

import uuid
from collections.abc import Callable, Sequence
from uuid import UUID

from order_service.context.paging import Page, page_of
from order_service.infra.luhn import is_luhn_number
from order_service.ledger.model import KeyedCommand

from .errors import InvalidNumberError
from .model import Balance, HistoryEntry, Kind, Movement, Withdrawal
from .ports import Expiry, PointStore

_NEWEST = 2**63 - 1


class Spending:
    """The points of persons.

    Everything raises StorageUnavailableError if the storage cannot answer now.

    Args:
        store: Keeps the points.
        new_id: Makes the ids of movements.
    """

    def __init__(self, store: PointStore, new_id: Callable[[], UUID] = uuid.uuid4) -> None:
        self._store = store
        self._new_id = new_id

    def balance(self, owner: UUID) -> Balance:
        """Return the points that there are, and those that were withdrawn."""
        return self._store.balance(owner)

    def next_expiry(self, owner: UUID) -> Expiry | None:
        """Return what expires next, None if nothing does."""
        return self._store.next_expiry(owner)

    def withdraw(
        self, owner: UUID, order: str, amount: int, key: KeyedCommand | None = None
    ) -> int:
        """Pay for an order with points and return those that are left.

        Raises:
            InvalidNumberError: `order` is no number of an order.
            NotEnoughPointsError: There are fewer.
            KeyReusedError: The key came before with another request.
            StillRunningError: The request with this key is under way.
        """
        if not is_luhn_number(order):
            raise InvalidNumberError(order)
        return self.book(owner, Kind.WITHDRAWAL, amount, order, key)

    def book(
        self,
        owner: UUID,
        kind: Kind,
        amount: int,
        reference: str = "",
        key: KeyedCommand | None = None,
    ) -> int:
        """Move points of a person and return those that there are then; see `withdraw`.

        Raises:
            TooManyPointsError: There would be more than can be counted.
        """
        return self._store.move(Movement(self._new_id(), owner, kind, amount, reference), key)

    def reverse(self, owner: UUID, movement: UUID, key: KeyedCommand | None = None) -> int:
        """Take a movement back, once, and return the points that there are then.

        Raises:
            UnknownMovementError: There is none.
            AlreadyReversedError: That was done.
            IrreversibleError: It took another one back.
            NotEnoughPointsError: What it gave is spent.
            KeyReusedError: The key came before with another request.
            StillRunningError: The request with this key is under way.
        """
        return self._store.reverse(owner, movement, key)

    def withdrawals(self, owner: UUID) -> Sequence[Withdrawal]:
        """Return all withdrawals of a person that stand, newest first."""
        return self._store.withdrawals(owner, None, _NEWEST)

    def withdrawal_page(self, owner: UUID, limit: int, before: int | None) -> Page[Withdrawal, int]:
        """Return at most `limit` withdrawals with an id below `before`, newest first."""
        found = self._store.withdrawals(owner, limit + 1, before or _NEWEST)
        return page_of(found, limit, lambda each: each.id)

    def history_page(self, owner: UUID, limit: int, before: int | None) -> Page[HistoryEntry, int]:
        """Return at most `limit` movements with an id below `before`, newest first."""
        found = self._store.history(owner, limit + 1, before or _NEWEST)
        return page_of(found, limit, lambda each: each.id)
