"""The keys of those who may read: for the API as the service's role, for operators as admin."""

import contextlib
from collections.abc import Iterator

from msgspec import structs

from order_service.config import Config, Pool
from order_service.contexts.access.issuing import KeyOffice
from order_service.contexts.access.postgres import PostgresKeys
from order_service.infra.postgres.database import Database
from order_service.metrics import Metrics

from .backends import open_database


def open_keys_database(config: Config, metrics: Metrics) -> Database:
    """Return a database for the keys alone, with one connection, opened when needed.

    On the orders' pool the keys would wait behind lookups, and a fault of one would open the
    circuit of the other.
    """
    pool = Pool(min_size=0, max_size=1, timeout=config.postgres.pool.timeout)
    return open_database(_with_postgres(config, pool=pool), metrics)


@contextlib.contextmanager
def key_office(config: Config) -> Iterator[KeyOffice]:
    """Give operators the keys, as the role that migrates, for the length of the block."""
    settings = config.postgres
    if settings.admin_user:
        config = _with_postgres(config, user=settings.admin_user, password=settings.admin_password)
    with contextlib.closing(open_keys_database(config, Metrics())) as database:
        yield KeyOffice(PostgresKeys(database))


def _with_postgres(config: Config, **changes: object) -> Config:
    return structs.replace(config, postgres=structs.replace(config.postgres, **changes))
