"""Warm-up of the cache, against one set of queries and one SET for each order."""

import json
import time
from collections.abc import Sequence

import psycopg
from psycopg.rows import dict_row

from benchmarks import command
from benchmarks.baselines import four_queries_read
from benchmarks.harness import Row, Scale, alternate, at_least
from benchmarks.orders import samples
from benchmarks.stack import Stack, running_stack
from benchmarks.stored import store
from order_service.bootstrap.contexts import installed
from order_service.context.process import Process
from order_service.contexts.orders.lookup import WarmUp
from order_service.contexts.orders.metrics import LookupMetrics
from order_service.contexts.orders.postgres import ISOLATION, PostgresOrders
from order_service.contexts.orders.settings import OrdersSettings
from order_service.contexts.orders.wiring.cache import make_cache
from order_service.infra.logging import configure_logging

_TTL_S = 300
_NEWEST = "SELECT order_uid FROM orders.orders ORDER BY date_created DESC LIMIT %s"
_STORED = 5
"""Stored orders for each one that is warmed up."""


class Ours:
    """The warm-up of the API, in this process."""

    def __init__(self, stack: Stack) -> None:
        configure_logging("warning", "console")
        self._stack = stack
        self._process = process = Process(installed().load_config(environ=stack.environment()))
        settings = process.config.of(OrdersSettings).cache
        self.orders = settings.warm_up
        repository = PostgresOrders(process.database(4, ISOLATION))
        cache = make_cache(process, process.cache_client(), settings)
        metrics = LookupMetrics(process.registry)
        self._warm_up = WarmUp(repository, cache, metrics, self.orders, process.stopping)

    def rate(self) -> float:
        """Return the orders a second that it caches."""
        self._stack.redis.flushall()
        began = time.perf_counter()
        done = self._warm_up.run()
        elapsed = time.perf_counter() - began
        if done != self.orders or self._stack.redis.dbsize() != done:
            raise RuntimeError(f"{done} of {self.orders} orders are warm")
        return done / elapsed

    def close(self) -> None:
        """Close database and cache."""
        self._process.close()


def usual_rate(stack: Stack, orders: int) -> float:
    """Return the orders a second that are cached one by one."""
    redis = stack.redis
    redis.flushall()
    with psycopg.connect(stack.dsn, row_factory=dict_row) as connection:
        began = time.perf_counter()
        for row in connection.execute(_NEWEST, [orders]).fetchall():
            uid = row["order_uid"]
            order = four_queries_read.read(connection, uid)
            redis.set(f"order:{uid}", json.dumps(order), ex=_TTL_S)
        return orders / (time.perf_counter() - began)


def run(scale: Scale) -> Sequence[Row]:
    """Measure."""
    with running_stack() as stack:
        ours = Ours(stack)
        store(stack, list(samples(_STORED * ours.orders)))
        figures = alternate(ours.rate, lambda: usual_rate(stack, ours.orders), scale.pairs)
        ours.close()
    return [
        Row(
            f"Warm-up of {ours.orders:,} orders",
            "four queries and one SET for each order",
            at_least(20),
            *figures,
            "orders/s",
            f"{_STORED * ours.orders:,} stored orders, the newest are cached; one connection on "
            "the other side, two at once on ours, as by default; in this process.",
        )
    ]


if __name__ == "__main__":
    command.main(run, __doc__)
