"""What the routes need from the use case; :class:`orders.lookup.Lookup` is one."""

from typing import Protocol

from order_service.contexts.orders.lookup import Found, Page
from order_service.contexts.orders.ports import OrderFilter


class OrderLookup(Protocol):
    """Finds orders. Every call may block, with a deadline. Thread-safe."""

    def find(self, uid: str) -> Found:
        """Return the order.

        Raises:
            OrderNotFoundError: There is none.
            StorageUnavailableError: It cannot be known now.
        """

    def search(self, wanted: OrderFilter, limit: int, cursor: str | None) -> Page:
        """Return a page of at most `limit` orders, newest first.

        Raises:
            InvalidCursorError: `cursor` is malformed.
            StorageUnavailableError: The database cannot be asked now.
        """
