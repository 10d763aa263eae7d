"""What the orders context adds to the API."""

from collections.abc import Sequence

from order_service.http.access import Access
from order_service.http.api_part import ApiPart
from order_service.http.health import Check
from order_service.http.security import COMMON

from .blueprint import create_blueprint
from .order_route import OrderAnswers, OrderFastPath
from .ownership import READ, READ_OWN
from .ports import OrderLookup, OrderQuickLookup
from .representation import Representation

_READING = Access((READ, READ_OWN))

_DESCRIPTION = """\
Orders of the shops, looked up by id or listed.

**Units.** Times are RFC 3339 in UTC, `payment_dt` is Unix time in seconds. Money is a whole number
in the unit that the shop sends, in the payment's `currency`.
"""


def create_part(lookup: OrderLookup, quick: OrderQuickLookup, checks: Sequence[Check]) -> ApiPart:
    """Return the routes, the fast path and what admits to them."""
    representation = Representation(COMMON)
    answers = OrderAnswers(lookup, representation)
    return ApiPart(
        blueprints=[create_blueprint(lookup, answers)],
        fast_paths=[OrderFastPath(answers, quick, representation)],
        access={"/order/": _READING, "/orders": _READING},
        checks=checks,
        description=_DESCRIPTION,
    )
