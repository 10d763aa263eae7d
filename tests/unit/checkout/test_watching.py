"""A purchase is followed for a time, and a few at once."""

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from order_service.contexts.checkout.errors import StorageUnavailableError
from order_service.contexts.checkout.model import Goods, Purchase, Status
from order_service.contexts.checkout.watching import Watching

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


class Stopping(threading.Event):
    """Time passes only here."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0.0
        return self.is_set()


def purchase(status: Status) -> Purchase:
    goods = Goods("1", "thing", 1, 5)
    ids = uuid.UUID(int=1), uuid.UUID(int=2)
    return Purchase(*ids, goods, "USD", None, status, "", status is Status.PENDING, NOON, None)


PENDING, APPROVED = purchase(Status.PENDING), purchase(Status.APPROVED)


def followed(first: Purchase, look: Callable[[float], Purchase]) -> list[Purchase | None]:
    stopping = Stopping()
    watching = Watching(1, stopping, lambda: stopping.now)
    return [*watching.follow(first, lambda: look(stopping.now))]


def test_each_status_is_told_once_and_a_final_one_ends_it() -> None:
    assert followed(PENDING, lambda now: APPROVED if now > 1 else PENDING) == [PENDING, APPROVED]
    assert followed(APPROVED, lambda _: APPROVED) == [APPROVED]


def test_without_news_there_are_signs_of_life_and_an_end() -> None:
    told = followed(PENDING, lambda _: PENDING)
    assert told[0] == PENDING
    assert set(told[1:]) == {None}
    assert 3 <= len(told) <= 6


def test_a_storage_that_is_away_ends_it() -> None:
    def away(_: float) -> Purchase:
        raise StorageUnavailableError

    assert followed(PENDING, away) == [PENDING]


def test_a_process_that_stops_ends_it() -> None:
    stopping = Stopping()
    stopping.set()
    watching = Watching(1, stopping, lambda: 0.0)
    assert [*watching.follow(PENDING, lambda: PENDING)] == [PENDING]


def test_places_are_few_and_come_back() -> None:
    watching = Watching(1, Stopping(), lambda: 0.0)
    with watching.place() as first, watching.place() as second:
        assert (first, second) == (True, False)
    with watching.place() as third:
        assert third
