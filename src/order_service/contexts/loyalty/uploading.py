"""Use cases: upload the number of an order, and see what became of those that one uploaded."""

from collections.abc import Sequence
from uuid import UUID

from order_service.context.paging import Page, page_of
from order_service.infra.luhn import is_luhn_number

from .errors import InvalidNumberError, OthersNumberError
from .model import Uploaded, UploadedNumber
from .ports import NumberStore, Place


class Uploading:
    """The numbers of a person.

    Everything raises StorageUnavailableError if the storage cannot answer now; then it is unknown
    whether a number was taken.

    Args:
        store: Keeps them.
    """

    def __init__(self, store: NumberStore) -> None:
        self._store = store

    def upload(self, owner: UUID, number: str) -> Uploaded:
        """Take a number and say whether it is new or was this person's before.

        Raises:
            InvalidNumberError: It is none.
            OthersNumberError: Somebody else was first.
        """
        if not is_luhn_number(number):
            raise InvalidNumberError(number)
        holder = self._store.add(owner, number)
        if holder is None:
            return Uploaded.NOW
        if holder != owner:
            raise OthersNumberError(number)
        return Uploaded.BEFORE

    def all(self, owner: UUID) -> Sequence[UploadedNumber]:
        """Return all numbers of a person, newest first."""
        return self._store.of(owner, None, None)

    def page(self, owner: UUID, limit: int, place: Place | None) -> Page[UploadedNumber, Place]:
        """Return at most `limit` numbers behind a place, newest first."""
        numbers = self._store.of(owner, limit + 1, place)
        return page_of(numbers, limit, lambda each: Place(each.uploaded_at, each.number))
