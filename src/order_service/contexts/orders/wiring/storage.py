"""The orders as lookups read them: from the primary, or from a replica with the primary behind."""

import functools
from typing import NamedTuple

from order_service.context.checks import CallCheck
from order_service.context.process import Process
from order_service.context.upkeep import start_repeating
from order_service.contexts.orders.ports import OrderRepository
from order_service.contexts.orders.postgres import ISOLATION, PostgresOrders
from order_service.contexts.orders.replicated import ReplicatedOrders
from order_service.infra.postgres.faults import UnavailableError
from order_service.infra.postgres.replica_lag import ReplicaLag

REPLICA = "postgres-replica"

_LAG_EVERY = 1.0
"""Seconds between two questions to the replica how far it is behind."""


class Storage(NamedTuple):
    """The repository for lookups, and the checks of the databases that it stands on."""

    orders: OrderRepository
    checks: list[CallCheck]


def open_storage(process: Process) -> Storage:
    """Return the open repository: as many connections as requests are handled at once."""
    size, named = process.config.http.threads, process.config.postgres
    primary = PostgresOrders(process.database(size, ISOLATION))
    check = CallCheck("postgres", primary.check, required=False)
    if not named.read_host:
        return Storage(primary, [check])
    database = process.replica(size)
    lag = ReplicaLag(database, named.read_max_lag, process.metrics.replica_lag.set)
    process.ends(start_repeating(lag.ask, _LAG_EVERY, process.stopping, UnavailableError))
    fallback = functools.partial(process.metrics.retried, REPLICA)
    orders = ReplicatedOrders(primary, PostgresOrders(database), lag.acceptable, fallback)
    return Storage(orders, [check, CallCheck(REPLICA, lag.check, required=False)])
