"""What the payments context adds to the API."""

from collections.abc import Sequence

from order_service.contexts.payments.metrics import WalletMetrics
from order_service.contexts.payments.wallets import Wallets
from order_service.http.access import Access
from order_service.http.api_part import ApiPart
from order_service.http.health import Check

from . import administration, wallet

CUSTOMERS, ADMINS = "wallet", "payments:admin"

_OWN = Access((CUSTOMERS,), personal=True, fresh=True)
_OTHERS = Access((ADMINS,), personal=True, fresh=True)

_DESCRIPTION = """\
**Wallets.** Everybody who is signed in has at most one wallet. Amounts are whole numbers in minor
units of its currency (cents): 1999 is 19.99. A balance is never below zero.
"""


def create_part(
    wallets: Wallets, metrics: WalletMetrics, max_amount: int, checks: Sequence[Check]
) -> ApiPart:
    """Return the routes and what admits to them."""
    return ApiPart(
        blueprints=[
            wallet.create_blueprint(wallets, metrics, max_amount),
            administration.create_blueprint(wallets),
        ],
        access={"/wallet": _OWN, "/wallet/": _OWN, "/admin/wallets/": _OTHERS},
        checks=checks,
        description=_DESCRIPTION,
    )
