"""What checkout says of purchases, for `order-service reconcile`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from order_service.context.claims import Claim, Meaning
from order_service.infra.postgres.database import Database

from .model import Status
from .storage import QUERIES

_MEANINGS: Mapping[Status, Meaning] = {
    Status.PENDING: Meaning.UNDECIDED,
    Status.APPROVED: Meaning.PAID,
    Status.REJECTED: Meaning.REFUSED,
    Status.CANCELLED: Meaning.TAKEN_BACK,
    Status.REFUNDING: Meaning.UNDECIDED,
    Status.REFUNDED: Meaning.TAKEN_BACK,
}


def claims_after(database: Database, after: UUID, limit: int) -> Sequence[Claim]:
    """Return claims about purchases with higher ids; the amount is what should be paid now."""
    rows = database.read(QUERIES["purchase_claims"], {"after": after, "limit": limit})
    return [_claim(*row) for row in rows]


def _claim(purchase: UUID, status: str, amount: int, changed_at: datetime) -> Claim:
    meaning = _MEANINGS[Status(status)]
    return Claim(purchase, meaning, amount if meaning is Meaning.PAID else 0, changed_at)
