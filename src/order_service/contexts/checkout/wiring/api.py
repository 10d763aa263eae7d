"""What the checkout context adds to an API process."""

import time
from datetime import UTC, datetime, timedelta

from uuid_utils.compat import uuid7

from order_service.context.checks import CallCheck
from order_service.context.process import Process
from order_service.contexts.checkout.api.part import create_part
from order_service.contexts.checkout.metrics import PurchaseMetrics
from order_service.contexts.checkout.purchasing import Purchasing, Terms
from order_service.contexts.checkout.settings import CheckoutSettings
from order_service.contexts.checkout.watching import Watching
from order_service.http.api_part import ApiPart

from .storage import purchases_on

_MAX_STREAMS = 2
"""Live streams that a server process keeps open: each takes one of `http.threads`."""


def open_api(process: Process) -> ApiPart:
    """Return the routes: as many connections as requests are handled at once."""
    settings = process.config.of(CheckoutSettings)
    store = purchases_on(process.database(process.config.http.threads), process)
    terms = Terms(settings.currency, timedelta(days=settings.refund_days))
    return create_part(
        Purchasing(store, terms, uuid7, lambda: datetime.now(UTC)),
        Watching(_MAX_STREAMS, process.stopping, time.monotonic),
        PurchaseMetrics(process.registry),
        settings.max_amount,
        [CallCheck("checkout", store.check, required=False)],
    )
