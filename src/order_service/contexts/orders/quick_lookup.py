"""Use case: look an order up in an event loop, without a thread that waits.

The same levels as in `lookup`, asked through adapters that block nobody. What these cannot tell,
such as while a connection is made anew, is asked for by threads of that lookup's own.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from order_service.infra.batched_flight import Then, fail
from order_service.infra.bulkhead import Bulkhead
from order_service.infra.local_cache import LocalCache
from order_service.infra.loop_flight import Answers, LoopFlight

from .errors import OrderNotFoundError
from .lookup import Found, Lookup, told
from .model import Document
from .ports import Absent, Entry, Level, LookupObserver, NotTold, QuickCache, QuickOrders

Outcome = Callable[[], Found]
"""Returns or raises what `Lookup.find` does; to be called once, in the event loop."""


class QuickBackends(NamedTuple):
    """What can be asked in an event loop; None where it cannot.

    Attributes:
        cache: The shared cache.
        orders: The database; only together with the cache, which it fills.
    """

    cache: QuickCache | None = None
    orders: QuickOrders | None = None


class QuickLookup:
    """Finds orders in one event loop.

    Args:
        lookup: Finds them otherwise.
        local: The in-process level.
        backends: What is asked.
        observer: Told which level answered.
        waiting: Most lookups that may wait for the database once it stalls.

    Attributes:
        found_at_once: Called by whoever takes what `find_at_once` returned for an answer.
    """

    def __init__(
        self,
        lookup: Lookup,
        local: LocalCache[Document],
        backends: QuickBackends,
        observer: LookupObserver,
        waiting: int,
    ) -> None:
        self._local = local
        self._cache = backends.cache
        self._observer = observer
        self.found_at_once = observer.in_loop[Level.LOCAL]
        self._ask_cache_otherwise = lookup.cached.ask
        self._ask_orders_otherwise = lookup.stored.ask
        self._ask_orders: Callable[[str, Then[Entry]], None] = lookup.stored.ask
        if backends.cache is not None and backends.orders is not None:
            source = _FillingCaches(backends.orders, local, backends.cache)
            self._ask_orders = LoopFlight(source, lookup.stored.ask, Bulkhead(waiting)).ask

    def find_at_once(self, uid: str) -> tuple[Document, float] | None:
        """Return the order if it is in the in-process level.

        Returns:
            The order, and until when there is no need to ask again (`time.monotonic`).
        """
        return self._local.look(uid)

    def find_soon(self, uid: str, then: Callable[[Outcome], None]) -> None:
        """Find an order that is not in the in-process level, without waiting for the others.

        Args:
            uid: Of the order.
            then: Called once, in any thread.
        """
        cache = self._cache
        if cache is None or not cache.ask(uid, partial(self._read_on, uid, then)):
            self._ask_cache_otherwise(uid, partial(self._read_on_otherwise, uid, then))

    def _read_on(
        self, uid: str, then: Callable[[Outcome], None], entry: Entry | NotTold | None
    ) -> None:
        """Tell what the shared cache has, or ask otherwise, or ask the database."""
        if isinstance(entry, NotTold):
            self._ask_cache_otherwise(uid, partial(self._read_on_otherwise, uid, then))
        elif entry is None:
            self._ask_orders(uid, partial(self._tell_stored, uid, then))
        else:
            then(partial(self._hit, uid, entry))

    def _read_on_otherwise(
        self, uid: str, then: Callable[[Outcome], None], cached: Callable[[], Entry | None]
    ) -> None:
        """The same in a thread of the lookup."""
        try:
            entry = cached()
        except Exception as error:  # noqa: BLE001 - whoever asks for the outcome is told
            then(partial(fail, error))
            return
        if entry is None:
            self._ask_orders_otherwise(uid, partial(self._tell_stored, uid, then))
        else:
            then(partial(self._hit, uid, entry))

    def _tell_stored(
        self, uid: str, then: Callable[[Outcome], None], stored: Callable[[], Entry | None]
    ) -> None:
        then(partial(self._missed, uid, stored))

    def _hit(self, uid: str, entry: Entry) -> Found:
        """Count an answer of the shared cache and return it."""
        self._observer.in_loop[Level.HIT]()
        if isinstance(entry, Absent):
            raise OrderNotFoundError(uid, Level.HIT)
        self._local.put(uid, entry)
        return Found(entry, Level.HIT)

    def _missed(self, uid: str, stored: Callable[[], Entry | None]) -> Found:
        """Count an answer of the database and return it."""
        document = told(stored)
        self._observer.in_loop[Level.MISS]()
        if document is None:
            raise OrderNotFoundError(uid, Level.MISS)
        return Found(document, Level.MISS)


class _FillingCaches:
    """Asks the database, and leaves the answers in the caches; a :class:`loop_flight.Source`."""

    def __init__(self, orders: QuickOrders, local: LocalCache[Document], cache: QuickCache) -> None:
        self._orders = orders
        self._local = local
        self._cache = cache
        self.ready = orders.ready

    @property
    def free(self) -> int:
        return self._orders.free

    def call(self, keys: Sequence[str], then: Callable[[Answers[Entry]], None]) -> None:
        self._orders.find_many(keys, partial(self._told, then))

    def _told(
        self,
        then: Callable[[Answers[Entry]], None],
        answers: Answers[Entry],
    ) -> None:
        then(answers)
        if answers is None or isinstance(answers, Exception):
            return
        # Behind the answers: who waits for them does not wait for this.
        self._cache.fill_found(answers)
        for uid, order in answers.items():
            if not isinstance(order, Absent):
                self._local.put(uid, order)
