"""The accrual system: what an order costs it, and whether a million of them change that."""

import itertools
from collections.abc import Sequence
from time import perf_counter

import psycopg

from benchmarks import command
from benchmarks.harness import Row, Scale, alternate, at_most, say
from benchmarks.points import process_of, running_database, settled
from order_service.contexts.accrual.calculating import Calculation
from order_service.contexts.accrual.metrics import CalculationMetrics
from order_service.contexts.accrual.model import Good, Order, RewardType, Rule
from order_service.contexts.accrual.postgres import PostgresAccruals
from order_service.embedded.postgres import PostgresServer
from order_service.metrics import Registry

_GOAL = 1_000_000
_FEW = 10_000
_FILL = """
    INSERT INTO accrual.orders (number, goods, status, accrual, due_at, calculated_at)
    SELECT n::text, '[["a kettle", 70000000]]', 'PROCESSED', 100, NULL, now()
    FROM generate_series(%(first)s::bigint, %(last)s) AS n
"""
_RULES = 100
_numbers = itertools.count(10**15)


class _Accruals:
    """An accrual system with its rules and orders, without HTTP."""

    def __init__(self, store: PostgresAccruals) -> None:
        self._store = store
        self._calculation = Calculation(store, CalculationMetrics(Registry()))
        for number in range(_RULES):
            store.add_rule(Rule(f"brand {number}", 100_000, RewardType.PERCENT))

    def cost(self, count: int) -> float:
        """Return the microseconds of an order from its registration to its answer."""
        orders = [
            Order(str(next(_numbers)), [Good(f"A kettle of brand {number % _RULES}", 70_000_000)])
            for number in range(count)
        ]
        began = perf_counter()
        for order in orders:
            self._store.add_order(order)
        while self._calculation.step():
            pass
        for order in orders:
            self._store.find(order.number)
        return (perf_counter() - began) / count * 1e6


def _fill(server: PostgresServer, first: int, last: int) -> None:
    with psycopg.connect(server.admin_dsn(), autocommit=True) as admin:
        admin.execute(_FILL, {"first": first, "last": last})
    settled(server)


def run(scale: Scale) -> Sequence[Row]:
    """Measure two systems in turns, one of which has many orders behind it."""
    many = min(scale.stored * 10 // 3, _GOAL)
    few, count = min(_FEW, many // 2), max(200, scale.orders // 40)
    with (
        running_database() as (large, of_large),
        process_of(of_large) as process,
        running_database() as (small, of_small),
        process_of(of_small) as other,
    ):
        _fill(large, 1, many)
        _fill(small, 1, few)
        systems = [_Accruals(PostgresAccruals(each.database(2))) for each in (process, other)]
        ours, theirs = alternate(
            lambda: systems[0].cost(count), lambda: systems[1].cost(count), scale.pairs
        )
    say("orders/s", 1e6 / min(theirs))
    return [
        Row(
            f"An order of the accrual system with {many:,} orders",
            f"with {few:,}",
            at_most(1.2),
            ours,
            theirs,
            "µs",
            f"Registered, calculated by {_RULES} rules and asked for, one after the other by one "
            f"thread; {count:,} orders a run, a durable Postgres each.",
            reduced=many < _GOAL,
        )
    ]


if __name__ == "__main__":
    command.main(run, __doc__)
