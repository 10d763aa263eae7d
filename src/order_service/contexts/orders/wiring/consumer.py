"""The consumer of the orders: from Kafka to Postgres, the cache and the dead letters."""

import sys

from order_service.context import Work
from order_service.context.brokers import make_producer
from order_service.context.consuming import Consumption, Intake
from order_service.context.process import Process
from order_service.contexts.orders import topics_of
from order_service.contexts.orders.errors import StorageUnavailableError
from order_service.contexts.orders.ingest import Destinations, Ingest, IngestRules
from order_service.contexts.orders.metrics import IngestMetrics
from order_service.contexts.orders.postgres import ISOLATION, PostgresOrders
from order_service.contexts.orders.rejections import RejectionLimit
from order_service.contexts.orders.settings import MAX_BATCH_BYTES, OrdersSettings
from order_service.infra.retry import Retry
from order_service.messaging.dead_letters import DeadLettersUnavailableError, KafkaDeadLetters

from .cache import make_cache

_SWITCH_INTERVAL = 0.0002
"""Seconds for which one thread keeps the interpreter while others want it.

The lanes want it after each answer of the database, for a moment; the thread that decodes wants
nothing else. With Python's 5 ms they, and the database, would mostly wait for that thread.
"""

_LANES = 2
"""Transactions that a batch is stored in at the same time.

The database works one off on one core; two keep a small machine busy and leave the lookups some
of it.
"""

_WINDOW = 200
"""Rejected messages are judged among so many; the first batch looks at as many before it publishes
any dead letter."""


def open_consumer(process: Process) -> Work:
    """Return the consumer; it takes over the process, whose threads share the interpreter."""
    sys.setswitchinterval(_SWITCH_INTERVAL)
    config, settings = process.config, process.config.of(OrdersSettings)
    storing = process.retry("postgres", config.postgres.retry, StorageUnavailableError)
    publishing = process.retry("dead-letters", config.kafka.retry, DeadLettersUnavailableError)
    ingest = Ingest(
        _destinations(process, settings, storing, publishing),
        make_cache(process, process.cache_client(), settings.cache),
        IngestMetrics(process.registry),
        IngestRules(
            RejectionLimit(settings.rejection_limit, _WINDOW), settings.max_message_bytes, _LANES
        ),
    )
    intake = Intake(
        topic=settings.topic,
        group=settings.group_id,
        topics=topics_of(config),
        max_messages=settings.batch_messages,
        max_bytes=MAX_BATCH_BYTES,
        first_batch=_WINDOW,
    )
    return Consumption(process, intake, ingest, [storing, publishing])


def _destinations(
    process: Process, settings: OrdersSettings, storing: Retry, publishing: Retry
) -> Destinations:
    producer = make_producer(process.config)
    process.closes(producer.close)
    orders = PostgresOrders(process.database(_LANES, ISOLATION))
    letters = KafkaDeadLetters(producer, settings.dead_letter_topic)
    return Destinations(orders, letters, storing, publishing)
