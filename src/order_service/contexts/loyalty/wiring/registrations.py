"""The consumer of registrations, and where those go that cannot be read."""

from order_service.config import Config
from order_service.context import Work
from order_service.context.consuming import Intake
from order_service.context.process import Process
from order_service.context.receiving import Receiver, receive
from order_service.contexts.loyalty.points_postgres import PostgresPoints
from order_service.contexts.loyalty.registrations import Registrations, person_of
from order_service.contexts.loyalty.settings import LoyaltySettings
from order_service.contexts.loyalty.storage import SCHEMA
from order_service.contexts.loyalty.topics import topics_of
from order_service.messaging.dead_letters import DeadLetterTopic, InvalidMessageError, Original

_BATCH = 500
_BATCH_BYTES = 1024 * 1024


def open_registrations(process: Process) -> Work:
    """Return the consumer."""
    settings = process.config.of(LoyaltySettings)
    database = process.database(1)
    points = PostgresPoints(database, settings.points_lifetime)
    intake = Intake(
        topic=settings.registration_topic,
        group=settings.group_id,
        topics=topics_of(process.config),
        max_messages=_BATCH,
        max_bytes=_BATCH_BYTES,
    )
    effects = Registrations(points, settings.registration_points * 100)
    return receive(process, intake, effects, Receiver(SCHEMA, database, settings.dead_letter_topic))


def dead_letter_topic(config: Config) -> DeadLetterTopic:
    """Return what is to know of the dead letters."""
    settings = config.of(LoyaltySettings)
    return DeadLetterTopic(
        name=settings.dead_letter_topic,
        source=settings.registration_topic,
        noun="registration",
        check=_checked,
        mentions=_mentions,
        masked=_masked,
    )


def _checked(message: Original) -> str:
    return str(person_of(message.body or b""))


def _mentions(body: bytes, wanted: str) -> bool:
    return wanted.encode() in body


def _masked(body: bytes) -> object:
    """Return the one thing that a registration tells, which is an id and tells of nobody."""
    try:
        return {"user_id": str(person_of(body))}
    except InvalidMessageError as error:
        raise ValueError(str(error)) from error
