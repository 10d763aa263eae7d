"""What the accrual context adds to the API."""

from collections.abc import Sequence

from order_service.contexts.accrual.limit import RequestLimit
from order_service.contexts.accrual.metrics import RequestMetrics
from order_service.contexts.accrual.ports import AccrualStore
from order_service.http.access import Access
from order_service.http.api_part import ApiPart
from order_service.http.health import Check

from .blueprint import create_blueprint
from .order_route import OutcomeAnswers, OutcomeFastPath

SCOPE = "accrual"

_DESCRIPTION = """\
**Accrual.** `/api/goods` and `/api/orders` are the system that says how many points an order is
worth. Points and prices are decimal numbers and are calculated exactly; the sum of an order is
rounded once, half up, to hundredths.
"""


def create_part(
    store: AccrualStore, limit: RequestLimit, metrics: RequestMetrics, checks: Sequence[Check]
) -> ApiPart:
    """Return the routes, the fast path and what admits to them."""
    answers = OutcomeAnswers(store, limit, metrics)
    admitted, changing = Access((SCOPE,)), Access((SCOPE,), fresh=True)
    return ApiPart(
        blueprints=[create_blueprint(store, answers)],
        fast_paths=[OutcomeFastPath(answers)],
        access={"/api/goods": changing, "/api/orders": changing, "/api/orders/": admitted},
        checks=checks,
        description=_DESCRIPTION,
    )
