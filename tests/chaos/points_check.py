"""Numbers of orders that wait for their points, and whether each of them got them once."""

import uuid
from collections import Counter
from typing import Any

import psycopg

from order_service.infra.luhn import check_digit
from order_service.ledger.checking import check_balances
from tests.chaos.accrual_system import truth_of
from tests.ledgers import run_of

_ADD = """
    INSERT INTO loyalty.orders (number, owner)
    SELECT * FROM unnest(%s::text[], %s::uuid[])
"""
_ORDERS = "SELECT number, owner, status, coalesce(accrual, 0) FROM loyalty.orders"
_CREDITS = """
    SELECT reference, count(*), sum(amount) FROM loyalty.entries
    WHERE kind = 'accrual' GROUP BY reference
"""
_ACCRUALS = """
    SELECT owner, sum(amount)::bigint FROM loyalty.entries
    WHERE kind = 'accrual' GROUP BY owner
"""


def add_numbers(admin: psycopg.Connection[Any], count: int, people: int) -> None:
    """Upload so many numbers for so many persons."""
    owners = [uuid.uuid4() for _ in range(people)]
    payloads = range(10_000_000, 10_000_000 + count)
    numbers = [f"{payload}{check_digit(str(payload))}" for payload in payloads]
    admin.execute(_ADD, [numbers, [owners[place % people] for place in range(count)]])


def check_points(admin: psycopg.Connection[Any], count: int) -> None:
    """Fail unless each of `count` numbers has its outcome, and its points were credited once."""
    orders = admin.execute(_ORDERS).fetchall()
    credited = {number: (count, amount) for number, count, amount in admin.execute(_CREDITS)}
    assert len(orders) == count
    expected = Counter[uuid.UUID]()
    for number, owner, status, accrual in orders:
        points = truth_of(number).points
        assert status == ("INVALID" if points is None else "PROCESSED")
        assert accrual == (points or 0)
        assert credited.get(number) == ((1, points) if points else None)
        expected[owner] += points or 0
    earned = dict(admin.execute(_ACCRUALS).fetchall())
    assert earned == {owner: points for owner, points in expected.items() if points}
    # Each balance is what its entries come to.
    assert not any(step.differences for step in check_balances(run_of(admin), "loyalty"))
