"""The repository over a primary and a replica of it that is read where possible.

The replica may be away or behind. It never decides that an order is unknown, so that an
order can be looked up the moment that it is stored; and it is no loss when it is away.
When the primary is away, the replica answers what it can, however far it is behind.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import TypeVar

from .errors import StorageUnavailableError
from .model import Document
from .ports import (
    Absent,
    OrderFilter,
    OrderRecord,
    OrderRepository,
    OrderSummary,
    Outcome,
    Position,
)

T = TypeVar("T")


class ReplicatedOrders:
    """Implements :class:`ports.OrderRepository`; thread-safe if its parts are.

    What the replica says of an order may be as old as the replica is behind; a list may lack what
    is newer.

    Args:
        primary: Takes the writes, and the reads that the replica cannot answer.
        replica: Takes the reads.
        fresh: Whether the replica is near enough to the primary to be asked first.
        on_fallback: Called when it was asked in vain.
    """

    def __init__(
        self,
        primary: OrderRepository,
        replica: OrderRepository,
        fresh: Callable[[], bool],
        on_fallback: Callable[[], object] = lambda: None,
    ) -> None:
        self._primary = primary
        self._replica = replica
        self._fresh = fresh
        self._on_fallback = on_fallback

    def save(self, records: Sequence[OrderRecord]) -> Mapping[str, Outcome]:
        """See :meth:`ports.OrderRepository.save`."""
        return self._primary.save(records)

    def find(self, uid: str) -> Document | None:
        """See :meth:`ports.OrderRepository.find`."""
        return self._read(lambda repository: repository.find(uid))

    def find_many(self, uids: Sequence[str]) -> Mapping[str, Document | Absent]:
        """See :meth:`ports.OrderRepository.find_many`."""
        fresh = self._fresh()
        found = self._known_to_replica(uids) if fresh else {}
        left = [uid for uid in uids if uid not in found]
        if not left:
            return found
        try:
            return {**found, **self._primary.find_many(left)}
        except StorageUnavailableError:
            found = found if fresh else self._known_to_replica(uids)
            if not found:
                raise
            return found

    def _known_to_replica(self, uids: Sequence[str]) -> Mapping[str, Document | Absent]:
        """Return the orders that the replica has; it never decides that there is none."""
        found = self._from_replica(lambda replica: replica.find_many(uids)) or {}
        return {uid: order for uid, order in found.items() if not isinstance(order, Absent)}

    def newest(self, limit: int, page_size: int) -> Iterator[Sequence[tuple[str, Document]]]:
        """See :meth:`ports.OrderRepository.newest`. All pages come from the same database."""
        yield from self._read(lambda repository: _begun(repository.newest(limit, page_size))) or ()

    def search(
        self, wanted: OrderFilter, limit: int, after: Position | None
    ) -> Sequence[OrderSummary]:
        """See :meth:`ports.OrderRepository.search`."""
        return self._read(lambda repository: repository.search(wanted, limit, after)) or ()

    def _read(self, read: Callable[[OrderRepository], T | None]) -> T | None:
        """Return what the replica says, else the primary, else the replica however old it is.

        Raises:
            StorageUnavailableError: The primary cannot be asked, and the replica says nothing.
        """
        fresh = self._fresh()
        found = self._from_replica(read) if fresh else None
        if found is not None:
            return found
        try:
            return read(self._primary)
        except StorageUnavailableError:
            old = None if fresh else self._from_replica(read)
            if old is None:
                raise
            return old

    def _from_replica(self, read: Callable[[OrderRepository], T | None]) -> T | None:
        try:
            return read(self._replica)
        except StorageUnavailableError:
            self._on_fallback()
            return None


def _begun(pages: Iterator[T]) -> Iterator[T]:
    """Read the first page at once, as it tells whether there will be any."""
    first = list(islice(pages, 1))
    return chain(first, pages)
