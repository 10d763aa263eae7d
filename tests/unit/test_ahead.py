"""Calls run ahead of what is handled, but only so many, and results keep their order."""

import threading
from collections.abc import Iterator

import pytest

from order_service.infra.ahead import map_ahead


def test_results_come_in_the_order_of_the_items_whichever_is_ready_first() -> None:
    second = threading.Event()

    def double(number: int) -> int:
        if number == 0:
            assert second.wait(10)
        second.set()
        return 2 * number

    assert list(map_ahead(double, range(5), 2)) == [0, 2, 4, 6, 8]
    assert list(map_ahead(double, [], 2)) == []


def test_no_more_items_are_taken_than_can_be_worked_on() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(9):
            taken.append(number)
            yield number

    coming = map_ahead(str, items(), 2)
    assert [next(coming), next(coming)] == ["0", "1"]
    assert taken == [0, 1, 2, 3]
    coming.close()  # type: ignore[attr-defined]  # it is a generator


def test_what_a_call_raises_comes_in_the_place_of_its_result() -> None:
    coming = map_ahead([10, 11].__getitem__, range(3), 2)
    assert [next(coming), next(coming)] == [10, 11]
    with pytest.raises(IndexError):
        next(coming)
