"""What the payments context adds to an API process."""

from uuid_utils.compat import uuid7

from order_service.context.checks import CallCheck
from order_service.context.process import Process
from order_service.contexts.payments.api.part import create_part
from order_service.contexts.payments.metrics import WalletMetrics
from order_service.contexts.payments.settings import PaymentsSettings
from order_service.contexts.payments.wallets import Wallets
from order_service.contexts.payments.wallets_postgres import PostgresWallets
from order_service.http.api_part import ApiPart


def open_api(process: Process) -> ApiPart:
    """Return the routes: as many connections as requests are handled at once."""
    settings = process.config.of(PaymentsSettings)
    store = PostgresWallets(process.database(process.config.http.threads))
    return create_part(
        Wallets(store, settings.currency, uuid7),
        WalletMetrics(process.registry),
        settings.max_amount,
        [CallCheck("payments", store.check, required=False)],
    )
