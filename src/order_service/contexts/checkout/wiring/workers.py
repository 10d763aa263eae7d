"""The processes of the checkout context beside the API."""

from order_service.context import Work
from order_service.context.consuming import Intake
from order_service.context.process import Process
from order_service.context.receiving import Receiver, receive
from order_service.context.relaying import Relaying
from order_service.context.upkeep import start_repeating
from order_service.contexts.checkout import topics_of
from order_service.contexts.checkout.errors import StorageUnavailableError
from order_service.contexts.checkout.metrics import SettlementMetrics, WaitingMetrics
from order_service.contexts.checkout.settings import CheckoutSettings
from order_service.contexts.checkout.settlements_postgres import Settlements
from order_service.contexts.checkout.storage import SCHEMA
from order_service.contexts.checkout.upkeep import EVERY, Upkeep

from .storage import asking_of, purchases_on

_MAX_BATCH_MESSAGES = 200
"""Answers handled in one transaction: more would be faster, and repeat more after a crash."""

_MAX_BATCH_BYTES = 4 * 1024 * 1024


def open_relay(process: Process) -> Work:
    """Return what publishes requests and orders."""
    return Relaying(process, SCHEMA, topics_of(process.config))


def open_settlements(process: Process) -> Work:
    """Return what approves and rejects, and asks again where no answer comes."""
    settings = process.config.of(CheckoutSettings)
    effects = Settlements(
        asking_of(process), settings.orders_topic, SettlementMetrics(process.registry)
    )
    intake = Intake(
        topic=settings.settlements_topic,
        group=settings.group_id,
        topics=topics_of(process.config),
        max_messages=_MAX_BATCH_MESSAGES,
        max_bytes=_MAX_BATCH_BYTES,
    )
    database = process.database(2)
    waiting = WaitingMetrics(process.registry)
    upkeep = Upkeep(database, purchases_on(database, process), waiting)
    process.ends(start_repeating(upkeep.round, EVERY, process.stopping, StorageUnavailableError))
    return receive(process, intake, effects, Receiver(SCHEMA, database, settings.dead_letter_topic))
