"""Points in a real Postgres: spent once, never below zero, taken back once, gone when too old."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from order_service.contexts.loyalty.errors import (
    AlreadyReversedError,
    NotEnoughPointsError,
    TooManyPointsError,
    UnknownMovementError,
)
from order_service.contexts.loyalty.expiring import Expiring
from order_service.contexts.loyalty.model import Balance, Kind, Movement
from order_service.contexts.loyalty.points_postgres import PostgresPoints
from order_service.contexts.loyalty.storage import QUERIES
from order_service.infra.postgres.database import Database
from order_service.ledger.checking import check_balances
from order_service.ledger.errors import KeyReusedError
from order_service.ledger.model import KeyedCommand
from tests.integration.loyalty.conftest import Admin

ME = uuid.uuid4()
NEWEST = 2**63 - 1
DAY = 86400.0


def movement(kind: Kind, amount: int, reference: str = "") -> Movement:
    return Movement(uuid.uuid4(), ME, kind, amount, reference)


@pytest.fixture
def aging(loyalty_database: Database) -> PostgresPoints:
    """Points that expire after ten days."""
    return PostgresPoints(loyalty_database, lifetime=10 * DAY)


def earn(points: PostgresPoints, admin: Admin, amount: int, days_ago: int) -> None:
    earned = movement(Kind.CREDIT, amount)
    points.move(earned)
    admin.execute(
        "UPDATE loyalty.entries SET created_at = now() - %s * interval '1 day' WHERE transfer = %s",
        [days_ago, earned.id],
    )


def test_nobody_has_points_at_first(points: PostgresPoints) -> None:
    assert points.balance(ME) == Balance(0, 0)
    with pytest.raises(NotEnoughPointsError):
        points.move(movement(Kind.WITHDRAWAL, 1))
    assert points.withdrawals(ME, None, NEWEST) == []


def test_points_come_and_are_withdrawn(points: PostgresPoints) -> None:
    assert points.move(movement(Kind.CREDIT, 72998)) == 72998
    assert points.move(movement(Kind.WITHDRAWAL, 50000, "18")) == 22998
    with pytest.raises(NotEnoughPointsError):
        points.move(movement(Kind.WITHDRAWAL, 22999, "26"))
    assert points.move(movement(Kind.SPENDING, 8, "tea")) == 22990
    assert points.move(movement(Kind.DEBIT, 90, "mistake")) == 22900
    assert points.balance(ME) == Balance(22900, 50008)
    (withdrawal,) = points.withdrawals(ME, None, NEWEST)
    assert (withdrawal.order, withdrawal.amount) == ("18", 50000)


def test_the_history_tells_what_each_movement_did(points: PostgresPoints) -> None:
    for kind, amount in ((Kind.CREDIT, 100), (Kind.WITHDRAWAL, 30), (Kind.DEBIT, 20)):
        points.move(movement(kind, amount))
    entries = points.history(ME, 10, NEWEST)
    assert [(each.kind, each.change, each.balance) for each in entries] == [
        (Kind.DEBIT, -20, 50),
        (Kind.WITHDRAWAL, -30, 70),
        (Kind.CREDIT, 100, 100),
    ]
    assert points.history(ME, 1, entries[1].id) == entries[2:]


def test_a_movement_happens_once(points: PostgresPoints) -> None:
    bonus = movement(Kind.BONUS, 10000)
    assert [points.move(bonus) for _ in range(3)] == [10000] * 3
    assert len(points.history(ME, 10, NEWEST)) == 1


def test_the_same_request_again_gets_the_same_answer(points: PostgresPoints) -> None:
    points.move(movement(Kind.CREDIT, 100))
    key = KeyedCommand(ME, "a", b"30 for 18")
    answers = [points.move(movement(Kind.WITHDRAWAL, 30), key) for _ in range(3)]
    assert answers == [70, 70, 70]
    with pytest.raises(KeyReusedError):
        points.move(movement(Kind.WITHDRAWAL, 31), KeyedCommand(ME, "a", b"31 for 18"))
    refused = KeyedCommand(ME, "b", b"80 for 18")
    for _ in range(2):
        with pytest.raises(NotEnoughPointsError):
            points.move(movement(Kind.WITHDRAWAL, 80), refused)
        points.move(movement(Kind.CREDIT, 100))
    assert points.balance(ME) == Balance(270, 30)


def test_of_many_withdrawals_at_once_as_many_succeed_as_there_are_points(
    points: PostgresPoints,
) -> None:
    points.move(movement(Kind.CREDIT, 1000))

    def withdraw(_: int) -> bool:
        try:
            points.move(movement(Kind.WITHDRAWAL, 60))
        except NotEnoughPointsError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(withdraw, range(40))) == 16
    assert points.balance(ME) == Balance(40, 960)


def test_a_movement_is_taken_back_once(points: PostgresPoints) -> None:
    points.move(movement(Kind.CREDIT, 100))
    withdrawal = movement(Kind.WITHDRAWAL, 30, "18")
    points.move(withdrawal)
    assert points.reverse(ME, withdrawal.id) == 100
    with pytest.raises(AlreadyReversedError):
        points.reverse(ME, withdrawal.id)
    with pytest.raises(UnknownMovementError):
        points.reverse(uuid.uuid4(), withdrawal.id)
    assert points.balance(ME) == Balance(100, 0)
    assert points.withdrawals(ME, None, NEWEST) == []
    assert points.history(ME, 1, NEWEST)[0].reverses == withdrawal.id


def test_there_cannot_be_more_points_than_can_be_counted(points: PostgresPoints) -> None:
    points.move(movement(Kind.CREDIT, 2**63 - 1))
    with pytest.raises(TooManyPointsError):
        points.move(movement(Kind.CREDIT, 1))


def test_points_that_are_too_old_cannot_be_spent(aging: PostgresPoints, admin: Admin) -> None:
    earn(aging, admin, 100, days_ago=11)
    earn(aging, admin, 50, days_ago=9)
    with pytest.raises(NotEnoughPointsError):
        aging.move(movement(Kind.WITHDRAWAL, 51))
    assert aging.balance(ME).current == 50
    changes = [(each.kind, each.change) for each in aging.history(ME, 9, NEWEST)]
    assert (Kind.EXPIRY, -100) in changes
    assert aging.move(movement(Kind.WITHDRAWAL, 50)) == 0


def test_the_oldest_points_are_spent_first(aging: PostgresPoints, admin: Admin) -> None:
    earn(aging, admin, 100, days_ago=8)
    earn(aging, admin, 50, days_ago=5)
    assert aging.move(movement(Kind.WITHDRAWAL, 90)) == 60
    admin.execute("UPDATE loyalty.entries SET created_at = created_at - interval '3 days'")
    # Ten of the hundred were left.
    assert aging.balance(ME).current == 50
    admin.execute("UPDATE loyalty.entries SET created_at = created_at - interval '3 days'")
    assert aging.balance(ME).current == 0


def test_what_expires_next_is_known(aging: PostgresPoints, admin: Admin) -> None:
    assert aging.next_expiry(ME) is None
    earn(aging, admin, 100, days_ago=8)
    earn(aging, admin, 50, days_ago=5)
    aging.move(movement(Kind.WITHDRAWAL, 90))
    expiry = aging.next_expiry(ME)
    assert expiry is not None
    assert expiry.amount == 10
    aging.move(movement(Kind.WITHDRAWAL, 20))
    later = aging.next_expiry(ME)
    assert later is not None
    assert later.amount == 40
    assert (later.at - expiry.at).days == 3


def test_points_do_not_expire_unless_they_are_told_to(points: PostgresPoints, admin: Admin) -> None:
    earn(points, admin, 100, days_ago=10_000)
    assert points.balance(ME).current == 100
    assert points.next_expiry(ME) is None


def test_a_sweep_takes_all_that_has_expired_and_nothing_else(
    aging: PostgresPoints, loyalty_database: Database, admin: Admin
) -> None:
    owners = [uuid.uuid4() for _ in range(30)]
    for number, owner in enumerate(owners):
        old = Movement(uuid.uuid4(), owner, Kind.CREDIT, 100)
        new = Movement(uuid.uuid4(), owner, Kind.CREDIT, 7)
        aging.move(old)
        aging.move(new)
        if number % 3 == 0:
            age_of(admin, old.id)
    assert Expiring(aging).sweep() == 1000
    assert Expiring(aging).sweep() == 0
    assert {aging.balance(owner).current for owner in owners[::3]} == {7}
    assert {aging.balance(owner).current for owner in owners[1::3]} == {107}
    found = [step.differences for step in check_balances(loyalty_database.read, "loyalty")]
    assert not any(found)


@pytest.mark.parametrize("swept", [False, True])
def test_points_of_transactions_that_overlapped_expire_all(
    aging: PostgresPoints, loyalty_database: Database, admin: Admin, *, swept: bool
) -> None:
    earn(aging, admin, 10, days_ago=1)
    with loyalty_database.transaction("early") as early:
        early.execute(QUERIES["gate_closed_for"])
        aging.move(movement(Kind.CREDIT, 50))
        # It began first and comes in last.
        aging.give(early, movement(Kind.BONUS, 100))
    admin.execute("UPDATE loyalty.entries SET created_at = created_at - interval '11 days'")
    if swept:
        assert Expiring(aging).sweep() == 160
    assert aging.balance(ME).current == 0
    assert aging.next_expiry(ME) is None


def age_of(admin: Admin, transfer: Any) -> None:  # noqa: ANN401 - an id
    admin.execute(
        "UPDATE loyalty.entries SET created_at = now() - interval '11 days' WHERE transfer = %s",
        [transfer],
    )
