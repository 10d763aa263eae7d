"""What the adapters of this context share: statements, and the error of a database that is away."""

from functools import partial

from order_service.context.storage import unavailable_as
from order_service.infra.postgres.sql import load_queries

from .errors import StorageUnavailableError

SCHEMA = "loyalty"

QUERIES = load_queries(__package__, "queries.sql")

available = partial(unavailable_as, StorageUnavailableError)
