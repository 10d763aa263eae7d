"""What the routes need from the use cases."""

from collections.abc import Callable
from typing import Protocol

from order_service.contexts.orders.lookup import Found, Page
from order_service.contexts.orders.model import Document
from order_service.contexts.orders.ports import OrderFilter
from order_service.contexts.orders.quick_lookup import Outcome


class OrderLookup(Protocol):
    """Finds orders. Every call may block, with a deadline. Thread-safe.

    :class:`orders.lookup.Lookup` is one.
    """

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


class OrderQuickLookup(Protocol):
    """Finds orders in an event loop; :class:`orders.quick_lookup.QuickLookup` is one."""

    @property
    def found_at_once(self) -> Callable[[], None]:
        """Counts a lookup that was answered with what `find_at_once` has returned."""

    def find_at_once(self, uid: str) -> tuple[Document, float] | None:
        """Return the order if this process knows it.

        Returns:
            The order, and until when there is no need to ask again (`time.monotonic`).
        """

    def find_soon(self, uid: str, then: Callable[[Outcome], None]) -> None:
        """Call `then` once, in any thread; does not block."""
