"""What the adapters of this context share: statements, and the error of a database that is away."""

from functools import partial

import msgspec

from order_service.context.storage import unavailable_as
from order_service.infra.postgres.sql import Row, load_queries
from order_service.ledger.idempotency import Idempotency
from order_service.messaging.outbox import Outbox

from .errors import StorageUnavailableError
from .model import Delivery, Goods, Purchase, Status

SCHEMA = "checkout"

QUERIES = load_queries(__package__, "queries.sql")

IDEMPOTENCY = Idempotency(SCHEMA)
OUTBOX = Outbox(SCHEMA)

available = partial(unavailable_as, StorageUnavailableError)


def purchase_of(row: Row) -> Purchase:
    """Return the purchase that a row of `purchases` holds."""
    purchase, owner, product_id, description, quantity, price, currency, delivery, *rest = row
    status, reason, awaiting, created_at, settled_at = rest
    return Purchase(
        purchase,
        owner,
        Goods(product_id, description, quantity, price),
        currency,
        msgspec.json.decode(delivery, type=Delivery) if delivery else None,
        Status(status),
        reason,
        awaiting,
        created_at,
        settled_at,
    )
