"""What the adapters of this context share: statements, and the error of a database that is away."""

from functools import partial

from order_service.context.storage import unavailable_as
from order_service.infra.postgres.sql import load_queries
from order_service.ledger.idempotency import Idempotency
from order_service.ledger.postings import PostgresLedger

from .errors import StorageUnavailableError

SCHEMA = "payments"

QUERIES = load_queries(__package__, "queries.sql")

LEDGER = PostgresLedger(SCHEMA)
IDEMPOTENCY = Idempotency(SCHEMA)

available = partial(unavailable_as, StorageUnavailableError)
