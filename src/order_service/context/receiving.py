"""The work of a consumer whose messages have their effect once."""

from typing import NamedTuple, TypeVar

from order_service.infra.postgres.database import Database
from order_service.infra.postgres.faults import UnavailableError
from order_service.messaging.dead_letters import DeadLettersUnavailableError, KafkaDeadLetters
from order_service.messaging.inbox import (
    BatchEffects,
    Effects,
    Inbox,
    InboxHandler,
    Rejections,
    Storage,
)
from order_service.messaging.inbox.handler import PreparedMessages
from order_service.messaging.inbox.tracing import traced
from order_service.messaging.metrics import InboxMetrics

from .brokers import make_producer
from .consuming import Consumption, Intake
from .process import Process

T = TypeVar("T")


class Receiver(NamedTuple):
    """Where messages have their effect.

    Attributes:
        schema: The schema of the context whose inbox it is.
        database: Where it is; one connection is enough.
        dead_letters: Name of the topic for messages that can never be handled.
    """

    schema: str
    database: Database
    dead_letters: str


def receive(
    process: Process, intake: Intake, effects: Effects[T] | BatchEffects[T], receiver: Receiver
) -> Consumption[PreparedMessages[T]]:
    """Return the work of handling the messages of a topic through the inbox of a context.

    Args:
        process: The process that it is the work of.
        intake: What is consumed.
        effects: What is done with a message.
        receiver: Where it is done.
    """
    storing = process.retry("postgres", process.config.postgres.retry, UnavailableError)
    rejecting = process.retry(
        "dead-letters", process.config.kafka.retry, DeadLettersUnavailableError
    )
    producer = make_producer(process.config)
    process.closes(producer.close)
    tracer = process.tracer
    handler = InboxHandler(
        traced(effects, tracer) if tracer else effects,
        Storage(receiver.database, Inbox(receiver.schema), storing),
        Rejections(KafkaDeadLetters(producer, receiver.dead_letters), rejecting),
        InboxMetrics(process.registry, receiver.schema),
    )
    return Consumption(process, intake, handler, [storing, rejecting])
