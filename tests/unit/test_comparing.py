"""Two books are compared while both are written."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from order_service.context.claims import Claim, Meaning
from order_service.context.comparing import Reader, compare

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
OLD, NEW = NOON - timedelta(minutes=5), NOON + timedelta(seconds=1)
PAID = Meaning.PAID


def claim(number: int, meaning: Meaning = PAID, amount: int = 5, at: datetime = OLD) -> Claim:
    return Claim(UUID(int=number), meaning, amount, at)


def book(*claims: Claim, step: int = 2) -> Reader:
    def read(after: UUID, limit: int) -> Sequence[Claim]:
        return [each for each in claims if each.id > after][: min(limit, step)]

    return read


def differing(one: Reader, other: Reader) -> list[int]:
    return [each.id.int for each in compare(one, other, NOON).differences]


@given(st.sets(st.integers(1, 30)), st.sets(st.integers(1, 30)))
def test_what_only_one_knows_is_told(one: set[int], other: set[int]) -> None:
    first, second = (book(*map(claim, sorted(numbers))) for numbers in (one, other))
    assert differing(first, second) == sorted(one ^ other)
    assert compare(first, second, NOON).compared == len(one | other)


def test_other_meanings_and_amounts_are_told() -> None:
    first = book(claim(1), claim(2), claim(3), claim(4, Meaning.UNDECIDED, 0))
    second = book(claim(1), claim(2, amount=6), claim(3, Meaning.REFUSED, 0), claim(4))
    assert differing(first, second) == [2, 3, 4]


def test_what_changed_just_now_is_left_out() -> None:
    tally = compare(book(claim(1, at=NEW), claim(2)), book(claim(2, Meaning.REFUSED, 0, NEW)), NOON)
    assert (tally.in_flight, tally.differences) == (2, [])
