"""What payments says of purchases, for `order-service reconcile`."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from order_service.context.claims import Claim, Meaning
from order_service.infra.postgres.database import Database

from .model import Outcome
from .storage import QUERIES

_MEANINGS: Mapping[Outcome, Meaning] = {
    Outcome.APPROVED: Meaning.PAID,
    Outcome.REJECTED: Meaning.REFUSED,
    Outcome.REFUNDED: Meaning.TAKEN_BACK,
    Outcome.CANCELLED: Meaning.TAKEN_BACK,
}


def claims_after(database: Database, after: UUID, limit: int) -> Sequence[Claim]:
    """Return claims about purchases with higher ids; the amount is what the ledger has taken."""
    rows = database.read(QUERIES["payment_claims"], {"after": after, "limit": limit})
    return [
        Claim(purchase, _MEANINGS[Outcome(outcome)], taken, changed_at)
        for purchase, outcome, taken, changed_at in rows
    ]
