"""Rules and orders in a real Postgres: each once, calculated once."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from order_service.contexts.accrual.calculating import Calculation
from order_service.contexts.accrual.errors import OrderExistsError, RuleExistsError
from order_service.contexts.accrual.model import Good, Order, Outcome, RewardType, Rule, Status
from order_service.contexts.accrual.postgres import PostgresAccruals
from tests.backends import Environ, process_of

Admin = psycopg.Connection[Any]
RULE = Rule("Bork", 50_000, RewardType.PERCENT)
GOODS = [Good("Чайник Bork", 145_995_000), Good("Утюг", 10_000)]


class Tally:
    """Fakes :class:`ports.CalculationObserver`."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def calculated(self, outcomes: Sequence[Outcome]) -> None:
        self.outcomes += outcomes


@pytest.fixture
def store(shared_database: Environ, admin: Admin) -> Iterator[PostgresAccruals]:
    admin.execute("TRUNCATE accrual.orders, accrual.rules")
    with process_of(shared_database) as process:
        yield PostgresAccruals(process.database(8))


def test_a_rule_is_kept_once_whatever_its_case(store: PostgresAccruals) -> None:
    store.add_rule(RULE)
    for match in ("Bork", "BORK", "bork"):
        with pytest.raises(RuleExistsError):
            store.add_rule(Rule(match, 1, RewardType.POINTS))
    store.add_order(Order("18", GOODS))
    assert store.claim(1, 30).rules == [RULE]


def test_an_order_is_kept_once(store: PostgresAccruals) -> None:
    assert store.find("18") is None
    store.add_order(Order("18", GOODS))
    with pytest.raises(OrderExistsError):
        store.add_order(Order("18", GOODS[:1]))
    assert store.find("18") == Outcome("18", Status.REGISTERED, None)


def test_an_order_is_calculated_exactly(store: PostgresAccruals) -> None:
    tally = Tally()
    store.add_rule(RULE)
    store.add_order(Order("18", GOODS))
    store.add_order(Order("26", GOODS[1:]))
    assert Calculation(store, tally).step() == 2
    assert Calculation(store, tally).step() == 0
    assert store.find("18") == Outcome("18", Status.PROCESSED, 72998)
    assert store.find("26") == Outcome("26", Status.PROCESSED, None)
    assert sorted(tally.outcomes) == [store.find("18"), store.find("26")]


def test_an_order_that_is_taken_shows_it_and_waits_again_when_its_lease_ends(
    store: PostgresAccruals,
) -> None:
    store.add_order(Order("18", GOODS))
    assert store.claim(10, 30).orders == [Order("18", GOODS)]
    assert store.find("18") == Outcome("18", Status.PROCESSING, None)
    assert not store.claim(10, 30).orders


def test_a_calculator_that_was_slow_changes_nothing(store: PostgresAccruals) -> None:
    store.add_order(Order("18", GOODS))
    store.claim(1, 0.0)
    assert store.claim(1, 30).orders
    first, second = (Outcome("18", Status.PROCESSED, points) for points in (1, 2))
    assert store.finish([first]) == [first]
    assert store.finish([second]) == []
    assert store.find("18") == first


def test_many_calculators_share_the_work(store: PostgresAccruals) -> None:
    store.add_rule(RULE)
    for number in range(60):
        store.add_order(Order(f"{number:04}", GOODS))
    tally = Tally()

    def work(_: int) -> None:
        orders, rules = store.claim(7, 30)
        while orders:
            store.finish([Outcome(order.number, Status.PROCESSED, 5) for order in orders])
            tally.calculated([Outcome(order.number, Status.PROCESSED, 5) for order in orders])
            orders, rules = store.claim(7, 30)
        assert rules == []

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    assert len(tally.outcomes) == len(set(tally.outcomes)) == 60
