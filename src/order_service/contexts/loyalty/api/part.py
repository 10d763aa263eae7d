"""What the loyalty context adds to the API."""

from collections.abc import Sequence

from order_service.contexts.loyalty.metrics import MovementMetrics
from order_service.contexts.loyalty.spending import Spending
from order_service.contexts.loyalty.uploading import Uploading
from order_service.http.access import Access
from order_service.http.api_part import ApiPart
from order_service.http.health import Check

from . import administration, gophermart, points

CUSTOMERS, ADMINS = "loyalty", "loyalty:admin"

COOKIE = "access_token"
"""Takes the place of the header for clients that keep cookies and nothing else."""

_SEEING = Access((CUSTOMERS,), personal=True, cookie=COOKIE)
_MOVING = Access((CUSTOMERS,), personal=True, fresh=True, cookie=COOKIE)
_ADMINISTERING = Access((ADMINS,), personal=True, fresh=True)

_DESCRIPTION = """\
**Points.** `/api/user/orders` takes numbers of orders, for which an accrual system gives points;
`/api/user/balance` and `/loyalty` say how many there are and spend them. Points are decimal numbers
with at most two places, and are always exact.
"""


def create_part(
    uploading: Uploading,
    spending: Spending,
    metrics: MovementMetrics,
    checks: Sequence[Check],
) -> ApiPart:
    """Return the routes and what admits to them."""
    return ApiPart(
        blueprints=[
            gophermart.create_blueprint(uploading, spending, metrics),
            points.create_blueprint(spending, metrics),
            administration.create_blueprint(spending, metrics),
        ],
        access={
            "/api/user/orders": _SEEING,
            "/api/user/balance": _SEEING,
            "/api/user/balance/withdraw": _MOVING,
            "/api/user/withdrawals": _SEEING,
            "/loyalty": _MOVING,
            # Administrators see the points of others.
            "/loyalty/": _MOVING,
            "/admin/loyalty/": _ADMINISTERING,
        },
        checks=checks,
        description=_DESCRIPTION,
    )
