"""The in-process cache forgets by age, not all at once, and by number, oldest first."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from random import Random

import pytest

from order_service.infra.local_cache import LocalCache
from tests.fakes import Clock


def longest() -> float:
    """The number that gives an entry the longest lifetime."""
    return 0.0


@pytest.mark.parametrize(("thrown", "lifetime"), [(0.0, 1.0), (0.5, 0.75), (0.999, 0.5005)])
def test_an_entry_lives_for_its_time_and_no_longer(thrown: float, lifetime: float) -> None:
    clock = Clock()
    cache = LocalCache[str](size=2, ttl=1.0, clock=clock, uniform=lambda: thrown)
    cache.put("a", "A")
    clock.now += lifetime
    assert cache.get("a") == "A"
    clock.now += 0.001
    assert cache.get("a") is None


def test_who_looks_need_not_ask_again_until_the_entry_should_be_renewed() -> None:
    clock, ending = Clock(), list[str]()
    cache = LocalCache[str](size=2, ttl=1.0, clock=clock, uniform=longest)
    cache.ending = ending.append
    cache.put("a", "A")
    assert cache.look("a") == ("A", clock.now + 0.8)
    clock.now += 0.8
    assert (cache.get("a"), ending) == ("A", [])
    clock.now += 0.1
    kept = cache.look("a")
    assert kept is not None
    assert kept[1] < clock.now
    assert ending == ["a"]
    assert cache.look("b") is None


def test_entries_that_were_made_together_do_not_end_together() -> None:
    clock, dice = Clock(), Random(1)  # noqa: S311 - repeatable on purpose
    cache = LocalCache[int](size=1000, ttl=1.0, clock=clock, uniform=dice.random)
    for number in range(1000):
        cache.put(str(number), number)
    left = []
    for _ in range(11):
        left.append(sum(cache.get(str(number)) is not None for number in range(1000)))
        clock.now += 0.1
    gone = [before - after for before, after in pairwise(left)]
    assert (gone[:5], left[-1]) == ([0] * 5, 0)
    assert max(gone) < 300


def test_a_key_that_was_never_put_is_not_there() -> None:
    assert LocalCache[str](2, 1.0).get("a") is None


def test_the_oldest_entry_makes_room() -> None:
    cache = LocalCache[str](2, 1.0, Clock())
    for key in "abc":
        cache.put(key, key)
    assert [cache.get(key) for key in "abc"] == [None, "b", "c"]


def test_an_entry_that_is_put_again_is_young_again() -> None:
    clock = Clock()
    cache = LocalCache[str](2, 1.0, clock, longest)
    cache.put("a", "old")
    cache.put("b", "b")
    clock.now += 0.9
    cache.put("a", "new")
    cache.put("c", "c")
    clock.now += 0.9
    assert [cache.get(key) for key in "abc"] == ["new", None, "c"]


def test_size_nothing_turns_the_cache_off() -> None:
    cache = LocalCache[str](0, 1.0)
    cache.put("a", "A")
    assert cache.get("a") is None


def test_threads_that_fill_it_never_fail_or_exceed_its_size() -> None:
    cache = LocalCache[int](8, 60.0)

    def fill(start: int) -> None:
        for number in range(start, start + 2000):
            cache.put(str(number % 50), number)
            cache.get(str((number * 7) % 50))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fill, range(8)))
    cache.put("last", 1)
    found = [key for key in [*map(str, range(50)), "last"] if cache.get(key) is not None]
    assert "last" in found
    assert len(found) <= 8
