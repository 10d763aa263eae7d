"""What the checkout context adds to the API."""

from collections.abc import Sequence

from order_service.contexts.checkout.metrics import PurchaseMetrics
from order_service.contexts.checkout.purchasing import Purchasing
from order_service.contexts.checkout.watching import Watching
from order_service.http.access import Access
from order_service.http.api_part import ApiPart
from order_service.http.health import Check

from . import administration, changes, live, purchases

CUSTOMERS, ADMINS = "purchases", "purchases:admin"

_OWN = Access((CUSTOMERS,), personal=True, fresh=True)
_OTHERS = Access((ADMINS,), personal=True, fresh=True)

_DESCRIPTION = """\
**Purchases.** A purchase is accepted at once and paid for from the wallet of who buys within
moments: its status is `pending` until then. Prices are whole numbers in minor units of the currency
(cents).
"""


def create_part(
    purchasing: Purchasing,
    watching: Watching,
    metrics: PurchaseMetrics,
    max_amount: int,
    checks: Sequence[Check],
) -> ApiPart:
    """Return the routes and what admits to them."""
    return ApiPart(
        blueprints=[
            purchases.create_blueprint(purchasing, metrics, max_amount),
            changes.create_blueprint(purchasing),
            live.create_blueprint(purchasing, watching),
            administration.create_blueprint(purchasing),
        ],
        access={"/purchases": _OWN, "/purchases/": _OWN, "/admin/purchases/": _OTHERS},
        checks=checks,
        description=_DESCRIPTION,
    )
