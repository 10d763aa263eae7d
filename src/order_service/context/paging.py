"""Lists by the page."""

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
P = TypeVar("P")


class Page(NamedTuple, Generic[T, P]):
    """A part of a list.

    Attributes:
        items: What is on it, in the order of the list.
        next: Where the next page begins: behind this place. None on the last page.
    """

    items: Sequence[T]
    next: P | None


def page_of(found: Sequence[T], limit: int, place: Callable[[T], P]) -> Page[T, P]:
    """Return the first `limit` of what was found, which is one more where the list goes on.

    Args:
        found: What was found.
        limit: Most items on the page, at least 1.
        place: Returns the place of an item.
    """
    more = len(found) > limit
    return Page(found[:limit], place(found[limit - 1]) if more else None)
