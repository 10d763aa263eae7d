"""Purchases on the database of a process."""

from order_service.context.process import Process
from order_service.contexts.checkout.asking import Asking
from order_service.contexts.checkout.purchases_postgres import PostgresPurchases
from order_service.contexts.checkout.settings import CheckoutSettings
from order_service.infra.postgres.database import Database


def purchases_on(database: Database, process: Process) -> PostgresPurchases:
    """Return the purchases that are kept in `database`."""
    return PostgresPurchases(database, asking_of(process))


def asking_of(process: Process) -> Asking:
    """Return how payments is asked."""
    settings = process.config.of(CheckoutSettings)
    return Asking(settings.requests_topic, settings.ask_again_after)
