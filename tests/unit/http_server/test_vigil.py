"""The loop stays awake where somebody asks one thing after the other, and nowhere else."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from order_service.http.server.vigil import Vigil

US = 1e-6


class Loop:
    """Counts the turns that a loop makes without anything to do; time passes by hand.

    Attributes:
        now: Seconds.
        turns: How many were made.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self.turns = 0
        self._calls: list[Callable[[], None]] = []
        self.vigil = Vigil(cast("asyncio.AbstractEventLoop", self), lambda: self.now)

    def call_soon(self, call: Callable[[], None]) -> None:
        self._calls.append(call)

    def awake(self) -> bool:
        return bool(self._calls)

    def passes(self, seconds: float) -> None:
        """Turn for so long, 2 µs each, or sleep when there is nothing to do."""
        end = self.now + seconds
        while self._calls and self.now < end:
            calls, self._calls = self._calls, []
            for call in calls:
                call()
            self.turns += 1
            self.now += 2 * US
        self.now = end

    def answers(self, times: int, gap: float) -> None:
        for _ in range(times):
            self.passes(gap)
            self.vigil.answered()


@pytest.fixture
def loop() -> Loop:
    return Loop()


def test_it_stays_awake_for_who_asks_one_thing_after_the_other(loop: Loop) -> None:
    loop.answers(10, 90 * US)
    asked_at_once = loop.turns
    loop.answers(1000, 40 * US)
    assert loop.awake()
    assert loop.turns - asked_at_once > 1000 * 15  # it never slept
    loop.passes(1)
    assert not loop.awake()


@pytest.mark.parametrize("gap", [2 * US, 15 * US, 400 * US, 1.0], ids=["2", "15", "400", "1 s"])
def test_a_crowd_needs_it_not_and_who_asks_seldom_is_not_worth_it(loop: Loop, gap: float) -> None:
    loop.answers(1000, gap)
    assert loop.turns == 0


def test_where_nobody_comes_meanwhile_it_tries_less_and_less(loop: Loop) -> None:
    loop.answers(20_000, 200 * US)  # each comes long after it fell asleep
    waking = loop.turns * 2 * US
    assert 0 < waking < 20_000 * 200 * US / 1000


def test_it_tries_again_some_time(loop: Loop) -> None:
    loop.answers(20_000, 200 * US)
    loop.answers(1100, 40 * US)
    assert loop.awake()
    before = loop.turns
    loop.answers(100, 40 * US)
    assert loop.turns - before > 100 * 15


def test_a_crowd_ends_it_and_nothing_is_held_against_it(loop: Loop) -> None:
    loop.answers(100, 40 * US)
    assert loop.awake()
    loop.answers(2, 2 * US)
    loop.passes(1)
    assert not loop.awake()
    loop.answers(5, 40 * US)  # as soon as one who had never come
    assert loop.awake()
