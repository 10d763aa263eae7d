"""Use case: look an order up through the caches, list orders, warm the cache up.

Read-through: the in-process level (about a second old at most), the shared cache, the
database. What the database said is left in both levels on the way back.
"""

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import structlog

from order_service.infra.batched_flight import BatchedFlight, FlightLostError
from order_service.infra.bulkhead import FullError
from order_service.infra.local_cache import LocalCache

from .errors import InvalidCursorError, OrderNotFoundError, StorageUnavailableError
from .model import Document
from .ports import (
    Absent,
    Level,
    LookupObserver,
    OrderCache,
    OrderFilter,
    OrderRepository,
    OrderSummary,
    Position,
)

_log = structlog.get_logger(__name__)

CURSOR_PATTERN = r"^([0-9]{1,18})\.([A-Za-z0-9_.:-]{1,64})\Z"
"""A cursor: the time of the last order in microseconds since 1970 UTC, and its uid."""

_cursor_parts = re.compile(CURSOR_PATTERN).match
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LONGEST = datetime.max.replace(tzinfo=UTC) - _EPOCH


_CACHE_CALLS = 1
"""Questions to the shared cache at the same time; what else is asked meanwhile is in the next."""

_QUERIES = 2
"""The same of the database: should one connection hang, the next question has another."""


class Found(NamedTuple):
    """An order and the level that answered."""

    document: Document
    level: Level


class Page(NamedTuple):
    """One page of a list; `next_cursor` is None on the last one."""

    orders: Sequence[OrderSummary]
    next_cursor: str | None


class Sharing(NamedTuple):
    """How lookups at the same time share their questions to the cache and to the database.

    Attributes:
        waiting: Most lookups that may wait for the database once it stalls. It is less than the
            threads that look up, so that orders in the caches are answered meanwhile.
        alone: Whether the lookup that is being made asks for itself.
    """

    waiting: int = 9
    alone: Callable[[], bool] = lambda: False


class Caches(NamedTuple):
    """Where orders are looked for before the database is asked.

    Attributes:
        local: The in-process level.
        shared: The shared cache.
    """

    local: LocalCache[Document]
    shared: OrderCache


_SHARED = Sharing()


class Lookup:
    """Answers questions about orders; thread-safe.

    Args:
        repository: The orders in durable storage.
        caches: What is asked before.
        observer: Told which level answered.
        sharing: How lookups share their questions.

    Attributes:
        cached: Asks the shared cache.
        stored: Asks the database, and fills the caches.
    """

    def __init__(
        self,
        repository: OrderRepository,
        caches: Caches,
        observer: LookupObserver,
        sharing: Sharing = _SHARED,
    ) -> None:
        self._repository = repository
        self._local, self._cache = caches
        self._observer = observer
        waiting, alone = sharing
        self.cached = BatchedFlight(self._cache.get_many, _CACHE_CALLS, alone=alone)
        self.stored = BatchedFlight(
            self._fetch, _QUERIES, shared=True, waiting=waiting, alone=alone
        )

    def find(self, uid: str) -> Found:
        """Return the order; blocks no longer than the deadlines of cache and database.

        Raises:
            OrderNotFoundError: There is no such order, or there was none seconds ago.
            StorageUnavailableError: No cache has it and the database cannot be asked.
        """
        document = self._local.get(uid)
        if document is not None:
            return self._found(uid, document, Level.LOCAL)
        entry = self.cached.get(uid)
        if entry is None:
            stored = told(lambda: self.stored.get(uid))
            return self._found(uid, stored, Level.MISS)
        if isinstance(entry, Absent):
            return self._found(uid, None, Level.HIT)
        self._local.put(uid, entry)
        return self._found(uid, entry, Level.HIT)

    def _found(self, uid: str, document: Document | None, level: Level) -> Found:
        """Count an answer and return it."""
        self._observer.looked_up(level)
        if document is None:
            raise OrderNotFoundError(uid, level)
        return Found(document, level)

    def _fetch(self, uids: Sequence[str]) -> Mapping[str, Document | Absent]:
        """Read orders from the database and leave the answers in the caches."""
        # Whoever asked the caches just before another lookup filled them comes here just after.
        known = {uid: kept for uid in uids if (kept := self._local.get(uid)) is not None}
        wanted = [uid for uid in uids if uid not in known]
        if not wanted:
            return known
        found = self._repository.find_many(wanted)
        self._cache.fill_found(found)
        for uid, order in found.items():
            if not isinstance(order, Absent):
                self._local.put(uid, order)
        return {**known, **found}

    def search(self, wanted: OrderFilter, limit: int, cursor: str | None) -> Page:
        """Return at most `limit` orders that `wanted` admits, newest first.

        Args:
            wanted: Which orders.
            limit: At least 1.
            cursor: `next_cursor` of the page before, None for the first.

        Raises:
            InvalidCursorError: The cursor does not match CURSOR_PATTERN.
            StorageUnavailableError: The database cannot be asked.
        """
        after = _position(cursor) if cursor else None
        # One more than asked for tells whether another page follows.
        orders = self._repository.search(wanted, limit + 1, after)
        more = len(orders) > limit
        page = orders[:limit]
        return Page(page, _cursor(page[-1]) if more else None)


def told(stored: Callable[[], Document | Absent | None]) -> Document | None:
    """Return what the database says, None if there is no such order.

    Raises:
        StorageUnavailableError: It cannot be known now.
    """
    try:
        found = stored()
    except FullError:
        raise StorageUnavailableError("too many lookups wait for the database") from None
    except FlightLostError as error:
        raise StorageUnavailableError("the query was given up") from error
    if found is None:
        raise StorageUnavailableError("this order cannot be known now")
    return None if isinstance(found, Absent) else found


def _cursor(last: OrderSummary) -> str:
    return f"{(last.date_created - _EPOCH) // _MICROSECOND}.{last.order_uid}"


def _position(cursor: str) -> Position:
    found = _cursor_parts(cursor)
    if found is None:
        raise InvalidCursorError("not a cursor of this service")
    # Eighteen digits reach beyond the last year that there is.
    since = min(int(found[1]) * _MICROSECOND, _LONGEST)
    return Position(_EPOCH + since, found[2])


class WarmUp:
    """Fills the shared cache with the newest orders.

    Args:
        repository: Where they are.
        cache: Where they go.
        observer: Told of progress.
        limit: How many at most.
        stopping: Set when the process should end.
    """

    PAGE = 250

    def __init__(
        self,
        repository: OrderRepository,
        cache: OrderCache,
        observer: LookupObserver,
        limit: int,
        stopping: threading.Event,
    ) -> None:
        self._repository = repository
        self._cache = cache
        self._observer = observer
        self._limit = limit
        self._stopping = stopping

    def run(self) -> int:
        """Cache the newest orders, a page at a time; return how many.

        Stops early when the cache does not take them or the process is stopping.

        Raises:
            StorageUnavailableError: The database cannot be asked.
        """
        done = 0
        for page in self._repository.newest(self._limit, self.PAGE):
            if self._stopping.is_set() or not self._cache.fill_many(page):
                break
            done += len(page)
            self._observer.warmed(done, self._limit)
            _log.info("warming the cache up", done=done, limit=self._limit)
        return done
