"""Use case: give back what was taken for a purchase, without checkout asking for it."""

from uuid import UUID

from .errors import UnknownPaymentError
from .model import PaymentCancellation, Settlement
from .ports import Book
from .settling import settle


def give_back(book: Book, purchase: UUID) -> Settlement:
    """Cancel the payment of a purchase, give back what was taken for it, and tell so; once.

    It is what checkout asks for when somebody returns a purchase. It can be done without checkout
    when that has lost the purchase: it was restored from a backup that is older.

    Args:
        book: Where it is recorded.
        purchase: Which; payments must have been asked about it before.

    Raises:
        UnknownPaymentError: It was not.
    """
    known = book.recorded([purchase]).get(purchase)
    if known is None:
        raise UnknownPaymentError(str(purchase))
    (settlement,) = settle(book, [PaymentCancellation(*known[:4])], max_amount=0)
    return settlement
