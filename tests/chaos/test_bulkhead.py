"""The bulkhead: a bounded number inside, a queue while it moves, a quick no once it does not."""

import contextlib

import pytest

from order_service.infra.bulkhead import Bulkhead, FullError


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_who_leaves_makes_room() -> None:
    bulkhead = Bulkhead(1)
    for _ in range(3):
        with bulkhead.entered():
            pass


def test_when_nobody_moves_one_more_is_sent_away_at_once() -> None:
    clock = Clock()
    bulkhead = Bulkhead(2, stall_timeout=60.0, clock=clock)
    with contextlib.ExitStack() as inside:
        inside.enter_context(bulkhead.entered())
        inside.enter_context(bulkhead.entered())
        clock.now = 61.0
        with pytest.raises(FullError), bulkhead.entered():
            pass
    with bulkhead.entered():
        pass


def test_an_error_inside_frees_the_place() -> None:
    bulkhead = Bulkhead(1)
    with pytest.raises(ValueError, match="inside"), bulkhead.entered():
        raise ValueError("inside")
    with bulkhead.entered():
        pass


def test_who_cannot_wait_is_let_in_as_long_as_others_come_out() -> None:
    clock = Clock()
    bulkhead = Bulkhead(1, stall_timeout=1.0, clock=clock)
    bulkhead.enter_now()
    clock.now = 0.9
    bulkhead.enter_now()  # one too many, but it may still move
    clock.now = 1.1
    with pytest.raises(FullError):
        bulkhead.enter_now()
    bulkhead.leave_now()
    bulkhead.enter_now()
    clock.now = 2.2
    with pytest.raises(FullError):
        bulkhead.enter_now()
    bulkhead.leave_now()
    bulkhead.leave_now()
    bulkhead.enter_now()
