"""Lookups are answered by the nearest level that knows, and fill the ones before it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from order_service.contexts.orders.errors import (
    InvalidCursorError,
    OrderNotFoundError,
    StorageUnavailableError,
)
from order_service.contexts.orders.lookup import Caches, Lookup, WarmUp
from order_service.contexts.orders.model import Document
from order_service.contexts.orders.ports import (
    ABSENT,
    Absent,
    Level,
    OrderFilter,
)
from order_service.infra.local_cache import LocalCache
from tests.builders import record
from tests.fakes import Clock, MemoryCache, MemoryOrders, Told

DOCUMENT = record("a").document


class Rig:
    """A lookup on levels in memory that share one clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.orders = MemoryOrders()
        self.cache = MemoryCache(ttl=300.0, negative_ttl=5.0, clock=self.clock)
        self.told = Told()
        self.local = LocalCache[Document](8, 1.0, self.clock)
        self.lookup = self.another()

    def another(self) -> Lookup:
        """A lookup on the same levels, which waits for none of the first one's questions."""
        return Lookup(self.orders, Caches(self.local, self.cache), self.told)

    def level(self, uid: str = "a") -> Level:
        found = self.lookup.find(uid)
        assert found.document == DOCUMENT
        return found.level


@pytest.fixture
def rig() -> Rig:
    made = Rig()
    made.orders.save([record("a")])
    return made


def test_the_first_lookup_asks_the_database_and_the_next_the_process_itself(rig: Rig) -> None:
    assert [rig.level() for _ in range(3)] == [Level.MISS, Level.LOCAL, Level.LOCAL]
    assert rig.orders.finds == ["a"]
    assert rig.told.levels == [Level.MISS, Level.LOCAL, Level.LOCAL]


def test_once_the_process_forgot_the_shared_cache_answers(rig: Rig) -> None:
    rig.level()
    rig.clock.now += 1.5
    assert [rig.level(), rig.level()] == [Level.HIT, Level.LOCAL]
    assert rig.orders.finds == ["a"]


def test_once_both_caches_forgot_the_database_is_asked_again(rig: Rig) -> None:
    rig.level()
    rig.clock.now += 301
    assert rig.level() == Level.MISS


def test_an_unknown_order_is_asked_for_once_in_a_while(rig: Rig) -> None:
    for level in (Level.MISS, Level.HIT, Level.HIT):
        with pytest.raises(OrderNotFoundError) as caught:
            rig.lookup.find("nobody")
        assert caught.value.level == level
    rig.clock.now += 6
    with pytest.raises(OrderNotFoundError):
        rig.lookup.find("nobody")
    assert rig.orders.finds == ["nobody", "nobody"]
    assert rig.told.levels == [Level.MISS, Level.HIT, Level.HIT, Level.MISS]


def test_cached_orders_are_served_while_the_database_is_away(rig: Rig) -> None:
    rig.level()
    rig.orders.away = True
    rig.clock.now += 1.5
    assert rig.level() == Level.HIT
    with pytest.raises(StorageUnavailableError):
        rig.lookup.find("b")


def test_what_could_not_be_asked_is_not_remembered_as_unknown(rig: Rig) -> None:
    rig.orders.away = True
    with pytest.raises(StorageUnavailableError):
        rig.lookup.find("a")
    rig.orders.away = False
    assert rig.level() == Level.MISS


def test_a_shared_cache_that_is_away_costs_no_answer(rig: Rig) -> None:
    rig.cache.away = True
    assert [rig.level(), rig.level()] == [Level.MISS, Level.LOCAL]
    rig.clock.now += 1.5
    assert rig.level() == Level.MISS


def test_who_asked_the_caches_just_before_they_were_filled_makes_no_query(rig: Rig) -> None:
    rig.cache.after_get = lambda: rig.another().find("a")
    assert rig.lookup.find("a").document == DOCUMENT
    assert rig.orders.finds == ["a"]


def test_concurrent_misses_for_one_order_make_one_query(rig: Rig) -> None:
    begun, release = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        assert release.wait(10)

    rig.orders.before_find = hold
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(rig.lookup.find, "a")
        assert begun.wait(10)
        others = [pool.submit(rig.lookup.find, "a") for _ in range(7)]
        release.set()
        assert {each.result(10).document.digest for each in [first, *others]} == {DOCUMENT.digest}
    # Whoever came after the first had landed found the order in the caches.
    assert rig.orders.finds == ["a"]


def test_concurrent_misses_for_several_orders_share_a_query(rig: Rig) -> None:
    rig.orders.save([record(uid) for uid in "bcd"])
    begun, release = threading.Semaphore(0), threading.Event()

    def hold() -> None:
        begun.release()
        assert release.wait(10)

    rig.orders.before_find = hold
    with ThreadPoolExecutor(4) as pool:
        callers = [pool.submit(rig.lookup.find, uid) for uid in "abcd"]
        # As many queries as may be made at the same time; who comes meanwhile is in the next.
        assert begun.acquire(timeout=10)
        assert begun.acquire(timeout=10)
        release.set()
        found = {each.result(10).document.digest for each in callers}
    assert len(found) == 4
    assert sorted(rig.orders.finds) == ["a", "b", "c", "d"]
    assert {rig.cache.get(uid) for uid in "abcd"} == {record(uid).document for uid in "abcd"}


def test_of_orders_asked_for_together_one_may_be_unknown_and_one_unknowable(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: dict[str, Document | Absent] = {"a": DOCUMENT, "b": ABSENT}
    monkeypatch.setattr(rig.orders, "find_many", lambda _: answers)
    assert rig.lookup.find("a").document == DOCUMENT
    with pytest.raises(OrderNotFoundError):
        rig.lookup.find("b")
    with pytest.raises(StorageUnavailableError):
        rig.lookup.find("c")
    assert rig.cache.get("c") is None


def test_pages_lead_through_all_orders(rig: Rig) -> None:
    rig.orders.save([record(uid) for uid in "bcde"])
    seen: list[str] = []
    cursor: str | None = None
    sizes = []
    while True:
        page = rig.lookup.search(OrderFilter(), 2, cursor)
        seen += [summary.order_uid for summary in page.orders]
        sizes.append(len(page.orders))
        if (cursor := page.next_cursor) is None:
            break
    assert seen == ["e", "d", "c", "b", "a"]
    assert sizes == [2, 2, 1]


def test_a_last_page_that_is_full_has_no_cursor(rig: Rig) -> None:
    rig.orders.save([record("b")])
    assert rig.lookup.search(OrderFilter(), 2, None).next_cursor is None


@pytest.mark.parametrize("cursor", ["x", "....", "bnVsbA", "W10", "\x00", "ü", "e30" * 100])
def test_a_cursor_that_nobody_issued_is_refused(rig: Rig, cursor: str) -> None:
    with pytest.raises(InvalidCursorError):
        rig.lookup.search(OrderFilter(), 2, cursor)


def warm_up(rig: Rig, limit: int, stopping: threading.Event | None = None) -> int:
    stop = stopping or threading.Event()
    return WarmUp(rig.orders, rig.cache, rig.told, limit, stop).run()


def test_a_warm_up_caches_the_newest_orders_and_tells_its_progress(rig: Rig) -> None:
    rig.orders.save([record(f"order-{number:03}") for number in range(600)])
    assert warm_up(rig, 500) == 500
    assert rig.told.progress == [(250, 500), (500, 500)]
    assert rig.cache.get("order-599")
    assert rig.cache.get("order-100")
    assert rig.cache.get("order-099") is None


def test_a_warm_up_of_few_orders_caches_them_all(rig: Rig) -> None:
    assert warm_up(rig, 1000) == 1
    assert rig.cache.get("a") == DOCUMENT


def test_a_warm_up_gives_up_when_the_cache_takes_nothing_or_the_process_stops(rig: Rig) -> None:
    stopping = threading.Event()
    stopping.set()
    assert warm_up(rig, 10, stopping) == 0
    rig.cache.away = True
    assert warm_up(rig, 10) == 0
    assert rig.told.progress == []


def test_a_warm_up_tells_that_the_database_is_away(rig: Rig) -> None:
    rig.orders.away = True
    with pytest.raises(StorageUnavailableError):
        warm_up(rig, 10)
