from hypothesis import given
from hypothesis import strategies as st

from order_service.contexts.loyalty.schedule import Schedule

SCHEDULE = Schedule(shortest=1.0, longest=600.0, share=0.1, jitter=0.2)


def middle(low: float, high: float) -> float:
    return (low + high) / 2


def test_a_number_is_asked_about_soon_while_it_is_young_and_seldom_when_it_is_old() -> None:
    ages = [0, 5, 60, 600, 86400, 1e9]
    pauses = [SCHEDULE.pause(age, 0, middle) for age in ages]
    assert pauses == [1, 1, 6, 60, 600, 600]


def test_every_answer_that_says_nothing_doubles_the_pause() -> None:
    pauses = [SCHEDULE.pause(0, failures, middle) for failures in range(12)]
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
    assert SCHEDULE.pause(0, 10**9, middle) == 600


@given(st.floats(0, 1e12), st.integers(0, 10**6))
def test_a_pause_is_never_far_outside_of_its_bounds(age: float, failures: int) -> None:
    assert 0.8 <= SCHEDULE.pause(age, failures) <= 720
