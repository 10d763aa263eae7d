"""The processes of the payments context beside the API."""

from functools import partial

from order_service.context import Work
from order_service.context.consuming import Intake
from order_service.context.process import Process
from order_service.context.receiving import Receiver, receive
from order_service.context.relaying import Relaying
from order_service.context.upkeep import start_repeating
from order_service.contexts.payments import topics_of
from order_service.contexts.payments.book_postgres import Answering
from order_service.contexts.payments.metrics import PaymentMetrics
from order_service.contexts.payments.requests import PaymentRequests
from order_service.contexts.payments.settings import PaymentsSettings
from order_service.contexts.payments.storage import IDEMPOTENCY, SCHEMA
from order_service.infra.postgres.faults import UnavailableError

_MAX_BATCH_MESSAGES = 200
"""Requests settled in one transaction: more would be faster, and repeat more after a crash."""

_MAX_BATCH_BYTES = 4 * 1024 * 1024

_UPKEEP_EVERY = 60.0
"""Seconds between two rounds of upkeep."""


def open_relay(process: Process) -> Work:
    """Return what publishes the answers."""
    return Relaying(process, SCHEMA, topics_of(process.config))


def open_requests(process: Process) -> Work:
    """Return what settles payments, and keeps the tables tidy."""
    settings = process.config.of(PaymentsSettings)
    answering = Answering(settings.settlements_topic)
    effects = PaymentRequests(answering, settings.max_amount, PaymentMetrics(process.registry))
    intake = Intake(
        topic=settings.requests_topic,
        group=settings.group_id,
        topics=topics_of(process.config),
        max_messages=_MAX_BATCH_MESSAGES,
        max_bytes=_MAX_BATCH_BYTES,
    )
    database = process.database(2)
    prune = partial(IDEMPOTENCY.prune_all, database.write)
    process.ends(start_repeating(prune, _UPKEEP_EVERY, process.stopping, UnavailableError))
    return receive(process, intake, effects, Receiver(SCHEMA, database, settings.dead_letter_topic))
