"""Points for a registration, from the event that tells of it: once a person, whatever comes again.

The inbox knows the events that were handled. Should it forget one, the id of the movement, which is
made of the person's, keeps it from happening again.
"""

from typing import Protocol
from uuid import UUID

from google.protobuf.message import DecodeError

from order_service.infra.postgres.database import Transaction
from order_service.messaging.errors import InvalidMessageError
from order_service.messaging.inbox import IncomingMessage

from .generated.events_pb2 import PersonRegistered
from .model import Kind, Movement, id_of_cause

TYPE = PersonRegistered.DESCRIPTOR.full_name

_REASON = "invalid_registration"
_FRAME = b"\0"
"""What a body begins with that a client of a schema registry wrote; protobuf never does."""

_FRAME_LENGTH = 6
"""Bytes of a frame: the mark, the schema's number in four, and 0 for the first message of it."""


class Bonuses(Protocol):
    """Gives points within a transaction."""

    def give(self, transaction: Transaction, movement: Movement) -> None:
        """Give them, unless this movement happened before."""


class Registrations:
    """Implements :class:`messaging.inbox.Effects`.

    Args:
        bonuses: Gives the points.
        points: How many a registration is worth, in hundredths.
    """

    def __init__(self, bonuses: Bonuses, points: int) -> None:
        self._bonuses = bonuses
        self._points = points

    def decode(self, message: IncomingMessage) -> UUID:
        """Return who registered.

        Raises:
            InvalidMessageError: It is no registration.
        """
        return person_of(message.value or b"")

    def apply(self, transaction: Transaction, message: IncomingMessage, content: UUID) -> None:  # noqa: ARG002 - of the protocol
        """Give the points in the transaction of the inbox."""
        cause = id_of_cause("registration", content)
        movement = Movement(cause, content, Kind.BONUS, self._points, "registration")
        self._bonuses.give(transaction, movement)


def person_of(body: bytes) -> UUID:
    """Return whose registration a body tells of.

    Raises:
        InvalidMessageError: It tells of none.
    """
    try:
        event = PersonRegistered.FromString(_unframed(body))
        return UUID(event.user_id)
    except DecodeError as error:
        raise InvalidMessageError(_REASON, {"_message": [str(error)]}) from error
    except ValueError as error:
        raise InvalidMessageError(_REASON, {"user_id": ["Not a UUID."]}) from error


def _unframed(body: bytes) -> bytes:
    if not body.startswith(_FRAME):
        return body
    if body[_FRAME_LENGTH - 1 : _FRAME_LENGTH] != b"\0":
        raise InvalidMessageError(_REASON, {"_message": ["Not the first message of its schema."]})
    return body[_FRAME_LENGTH:]
