"""The orders as lookups read them: from the primary, or from a replica with the primary behind."""

import functools
from typing import NamedTuple

from order_service.context.checks import CallCheck
from order_service.context.process import Process
from order_service.context.upkeep import start_repeating
from order_service.contexts.orders.ports import OrderRepository
from order_service.contexts.orders.postgres import ISOLATION, PostgresOrders
from order_service.contexts.orders.postgres_quickly import STATEMENTS, PostgresQuickly
from order_service.contexts.orders.replicated import ReplicatedOrders
from order_service.infra.postgres.database import Database
from order_service.infra.postgres.faults import UnavailableError
from order_service.infra.postgres.loop_queries import LoopQueries
from order_service.infra.postgres.replica_lag import ReplicaLag

REPLICA = "postgres-replica"

_LAG_EVERY = 1.0
"""Seconds between two questions to the replica how far it is behind."""


_LOOP_QUERIES = 2
"""Queries of an event loop at the same time: the database works each one off on a core."""

_WORTH_LENDING = 4
"""Connections of a pool that can do without those of an event loop."""


class Storage(NamedTuple):
    """The orders for lookups.

    Attributes:
        orders: Asked in threads.
        checks: Of the databases that they stand on.
        quick: Asked in an event loop; None with a replica, and where connections are few.
    """

    orders: OrderRepository
    checks: list[CallCheck]
    quick: PostgresQuickly | None = None


def open_storage(process: Process) -> Storage:
    """Return the open repository: as many connections as requests are handled at once."""
    size, named = process.config.http.threads, process.config.postgres
    opened = process.database(size, ISOLATION)
    primary = PostgresOrders(opened)
    check = CallCheck("postgres", primary.check, required=False)
    if not named.read_host:
        return Storage(primary, [check], _open_quick(process, opened, size))
    database = process.replica(size)
    lag = ReplicaLag(database, named.read_max_lag, process.metrics.replica_lag.set)
    process.ends(start_repeating(lag.ask, _LAG_EVERY, process.stopping, UnavailableError))
    fallback = functools.partial(process.metrics.retried, REPLICA)
    orders = ReplicatedOrders(primary, PostgresOrders(database), lag.acceptable, fallback)
    return Storage(orders, [check, CallCheck(REPLICA, lag.check, required=False)])


def _open_quick(process: Process, database: Database, size: int) -> PostgresQuickly | None:
    if size < _WORTH_LENDING:
        return None
    queries = LoopQueries(database, STATEMENTS, _LOOP_QUERIES)
    process.closes(queries.close)
    return PostgresQuickly(queries)
