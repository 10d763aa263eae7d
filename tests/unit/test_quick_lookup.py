"""Lookups in an event loop pass the same levels, asked by those who block nobody or otherwise."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import pytest

from order_service.contexts.orders.errors import OrderNotFoundError, StorageUnavailableError
from order_service.contexts.orders.lookup import Caches, Found, Lookup
from order_service.contexts.orders.model import Document
from order_service.contexts.orders.ports import ABSENT, NOT_TOLD, Absent, Entry, Level, NotTold
from order_service.contexts.orders.quick_lookup import Outcome, QuickBackends, QuickLookup
from order_service.infra.local_cache import LocalCache
from tests.builders import record
from tests.fakes import Clock, MemoryCache, MemoryOrders, Told
from tests.loops import run

DOCUMENT = record("a").document
AWAY = StorageUnavailableError("no answer in time")


class Quickly:
    """A quick cache in the hands of the test.

    Attributes:
        takes: Whether it can be asked.
        says: What it says of every order.
        asked: What it was asked for.
        filled: What it was given.
    """

    def __init__(self, says: Entry | NotTold | None, *, takes: bool = True) -> None:
        self.takes = takes
        self.says = says
        self.asked: list[str] = []
        self.filled: dict[str, Entry] = {}

    def ask(self, uid: str, then: Callable[[Entry | NotTold | None], None]) -> bool:
        if self.takes:
            self.asked.append(uid)
            asyncio.get_running_loop().call_soon(then, self.says)
        return self.takes

    def fill_found(self, found: Mapping[str, Entry]) -> None:
        self.filled.update(found)


class Orders:
    """Quick orders, which are those of a repository unless the test has them say something else.

    Attributes:
        lines: Questions at the same time; none if there is no connection.
        says: What they say instead; it is a cause, or None for asking otherwise.
        asked: What they were asked for.
    """

    def __init__(self, orders: MemoryOrders, lines: int = 2) -> None:
        self.lines = lines
        self.says: list[Exception | None] = []
        self.asked: list[list[str]] = []
        self._orders = orders

    def ready(self) -> bool:
        return self.lines > 0

    @property
    def free(self) -> int:
        return self.lines

    def find_many(
        self,
        uids: Sequence[str],
        then: Callable[[Mapping[str, Document | Absent] | Exception | None], None],
    ) -> None:
        self.asked.append(list(uids))
        answer = self.says.pop(0) if self.says else self._orders.find_many(uids)
        asyncio.get_running_loop().call_soon(then, answer)


class Rig:
    """Levels in memory that share one clock; one order is stored."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.orders = MemoryOrders()
        self.orders.save([record("a")])
        self.cache = MemoryCache(ttl=300.0, negative_ttl=5.0, clock=self.clock)
        self.told = Told()
        self.local = LocalCache[Document](8, 1.0, self.clock)

    def lookup(self, quick: Quickly | None = None, orders: Orders | None = None) -> QuickLookup:
        lookup = Lookup(self.orders, Caches(self.local, self.cache), self.told)
        return QuickLookup(lookup, self.local, QuickBackends(quick, orders), self.told, 9)

    def find(self, uid: str, quick: Quickly | None = None, orders: Orders | None = None) -> Found:
        """What a lookup in an event loop finds or raises."""
        [outcome] = self.outcomes([uid], quick, orders)
        return outcome()

    def outcomes(
        self, uids: Sequence[str], quick: Quickly | None = None, orders: Orders | None = None
    ) -> list[Outcome]:
        """What becomes of lookups that come in one turn."""
        lookup = self.lookup(quick, orders)

        async def turn() -> list[Outcome]:
            loop = asyncio.get_running_loop()
            made: list[asyncio.Future[Outcome]] = [loop.create_future() for _ in uids]
            for uid, future in zip(uids, made, strict=True):
                lookup.find_soon(uid, _later(loop, future))
            return await asyncio.gather(*made)

        return run(turn)


def _later(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[Outcome]
) -> Callable[[Outcome], None]:
    """Return what tells a future from any thread."""

    def tell(outcome: Outcome) -> None:
        loop.call_soon_threadsafe(future.set_result, outcome)

    return tell


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.mark.parametrize(
    "quick", [None, Quickly(None), Quickly(NOT_TOLD), Quickly(None, takes=False)]
)
def test_what_no_cache_has_is_found_in_the_database_and_left_in_the_caches(
    rig: Rig, quick: Quickly | None
) -> None:
    assert rig.find("a", quick) == Found(DOCUMENT, Level.MISS)
    assert rig.cache.get("a") == DOCUMENT
    assert rig.local.get("a") == DOCUMENT
    with pytest.raises(OrderNotFoundError) as caught:
        rig.find("nobody", quick)
    assert caught.value.level == Level.MISS
    assert rig.told.levels == [Level.MISS, Level.MISS]
    assert rig.orders.finds == ["a", "nobody"]


def test_quick_orders_are_asked_without_the_threads_of_others(rig: Rig) -> None:
    quick, orders = Quickly(None), Orders(rig.orders)
    assert rig.find("a", quick, orders) == Found(DOCUMENT, Level.MISS)
    assert quick.filled == {"a": DOCUMENT}
    assert rig.local.get("a") == DOCUMENT
    with pytest.raises(OrderNotFoundError) as caught:
        rig.find("nobody", quick, orders)
    assert caught.value.level == Level.MISS
    assert quick.filled == {"a": DOCUMENT, "nobody": ABSENT}
    assert rig.told.levels == [Level.MISS, Level.MISS]
    assert orders.asked == [["a"], ["nobody"]]


def test_lookups_of_one_turn_share_a_question_to_the_quick_orders(rig: Rig) -> None:
    rig.orders.save([record("b")])
    orders = Orders(rig.orders)
    a, b, nobody, again = rig.outcomes(["a", "b", "nobody", "a"], Quickly(None), orders)
    assert orders.asked == [["a", "b", "nobody"]]
    assert [each().document.digest for each in (a, b, again)] == [
        record(uid).document.digest for uid in "aba"
    ]
    with pytest.raises(OrderNotFoundError):
        nobody()


def test_orders_that_quick_ones_cannot_know_now_are_said_to_be_so(rig: Rig) -> None:
    quick, orders = Quickly(None), Orders(rig.orders)
    orders.says = [AWAY]
    with pytest.raises(StorageUnavailableError):
        rig.find("a", quick, orders)
    assert (quick.filled, rig.orders.finds) == ({}, [])
    assert rig.local.get("a") is None


def test_what_quick_orders_cannot_be_asked_is_asked_for_otherwise(rig: Rig) -> None:
    orders = Orders(rig.orders)
    orders.says = [None]
    assert rig.find("a", Quickly(None), orders) == Found(DOCUMENT, Level.MISS)
    assert (orders.asked, rig.orders.finds) == ([["a"]], ["a"])
    assert rig.cache.get("a") == DOCUMENT


def test_while_quick_orders_have_no_connection_everything_is_asked_for_otherwise(rig: Rig) -> None:
    orders = Orders(rig.orders, lines=0)
    assert rig.find("a", Quickly(None), orders) == Found(DOCUMENT, Level.MISS)
    assert (orders.asked, rig.orders.finds) == ([], ["a"])


@pytest.mark.parametrize("quick", [None, Quickly(NOT_TOLD), Quickly(None, takes=False)])
def test_the_shared_cache_is_asked_otherwise_where_it_must(rig: Rig, quick: Quickly | None) -> None:
    orders = Orders(rig.orders)
    rig.cache.fill_found({"a": DOCUMENT})
    assert rig.find("a", quick, orders) == Found(DOCUMENT, Level.HIT)
    assert rig.local.get("a") == DOCUMENT
    # Whoever asks otherwise does so in a thread, which quick orders are not for.
    rig.find("a", quick, orders)
    assert (orders.asked, rig.orders.finds) == ([], [])


@pytest.mark.parametrize("quick", [Quickly(NOT_TOLD), Quickly(None, takes=False)])
def test_who_asked_the_shared_cache_otherwise_asks_the_database_so(
    rig: Rig, quick: Quickly
) -> None:
    orders = Orders(rig.orders)
    assert rig.find("a", quick, orders) == Found(DOCUMENT, Level.MISS)
    assert (orders.asked, rig.orders.finds) == ([], ["a"])


def test_what_the_quick_cache_says_is_enough(rig: Rig) -> None:
    orders = Orders(rig.orders)
    assert rig.find("a", Quickly(DOCUMENT), orders) == Found(DOCUMENT, Level.HIT)
    with pytest.raises(OrderNotFoundError) as caught:
        rig.find("nobody", Quickly(ABSENT), orders)
    assert caught.value.level == Level.HIT
    assert rig.told.levels == [Level.HIT, Level.HIT]
    assert (orders.asked, rig.orders.finds) == ([], [])


def test_what_the_process_knows_is_found_at_once(rig: Rig) -> None:
    lookup = rig.lookup()
    assert lookup.find_at_once("a") is None
    rig.local.put("a", DOCUMENT)
    known = lookup.find_at_once("a")
    assert known is not None
    assert (known[0], rig.told.levels) == (DOCUMENT, [])
    assert rig.clock.now < known[1] < rig.clock.now + 1.0
    lookup.found_at_once()
    assert rig.told.levels == [Level.LOCAL]


def test_a_database_that_is_away_is_said_to_be(rig: Rig) -> None:
    rig.orders.away = True
    with pytest.raises(StorageUnavailableError):
        rig.find("a")
