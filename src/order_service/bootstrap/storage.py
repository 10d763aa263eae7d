"""The orders as lookups read them: from the primary, or from a replica with the primary behind."""

import contextlib
import functools
import threading
from contextlib import closing
from typing import NamedTuple

from order_service.config import Config
from order_service.contexts.orders.ports import OrderRepository
from order_service.contexts.orders.postgres import PostgresOrders
from order_service.contexts.orders.replicated import ReplicatedOrders
from order_service.infra.postgres.replica_lag import ReplicaLag
from order_service.metrics import Metrics

from .backends import open_database, open_replica
from .checks import CallCheck

REPLICA = "postgres-replica"


class Storage(NamedTuple):
    """The repository for lookups, and the checks of the databases that it stands on."""

    orders: OrderRepository
    checks: list[CallCheck]


def open_storage(config: Config, metrics: Metrics, resources: contextlib.ExitStack) -> Storage:
    """Return the open repository; what must be closed is put into `resources`."""
    primary = PostgresOrders(resources.enter_context(closing(open_database(config, metrics))))
    check = CallCheck("postgres", primary.check, required=False)
    if not config.postgres.read_host:
        return Storage(primary, [check])
    database = resources.enter_context(closing(open_replica(config, metrics)))
    lag = ReplicaLag(database, config.postgres.read_max_lag, metrics.backends.replica_lag.set)
    stopping = threading.Event()
    resources.callback(lag.watch(stopping).join, config.postgres.read_timeout)
    resources.callback(stopping.set)
    fallback = functools.partial(metrics.backends.retried, REPLICA)
    orders = ReplicatedOrders(primary, PostgresOrders(database), lag.acceptable, fallback)
    return Storage(orders, [check, CallCheck(REPLICA, lag.check, required=False)])
