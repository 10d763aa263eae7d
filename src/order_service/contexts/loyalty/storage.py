"""What the adapters of this context share: statements, and the error of a database that is away."""

import contextlib
from collections.abc import Iterator

from order_service.infra.postgres.faults import UnavailableError
from order_service.infra.postgres.sql import load_queries

from .errors import StorageUnavailableError

SCHEMA = "loyalty"

QUERIES = load_queries(__package__, "queries.sql")


@contextlib.contextmanager
def available() -> Iterator[None]:
    """Raise StorageUnavailableError for a database that cannot answer now."""
    try:
        yield
    except UnavailableError as error:
        raise StorageUnavailableError(str(error)) from error
