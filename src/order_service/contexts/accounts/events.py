"""The event of a registration, as a message for the outbox."""

import uuid

from google.protobuf.timestamp_pb2 import Timestamp

from order_service.messaging.envelope import PROTOBUF, Envelope
from order_service.messaging.outbox import OutgoingMessage

from .generated.events_pb2 import PersonRegistered
from .model import NewPerson

TYPE = PersonRegistered.DESCRIPTOR.full_name

# Any constant: the id of the event follows from that of the person.
_NAMESPACE = uuid.UUID("5f0c6f3e-4f5b-5d0e-9a47-3f1f6b7f3f11")


def registration_message(topic: str, person: NewPerson) -> OutgoingMessage:
    """Return the message that tells of a registration; see schemas/accounts/v1/events.proto.

    There is one a person, and its id is the same however often it is made.
    """
    event_id = uuid.uuid5(_NAMESPACE, str(person.id))
    registered_at = Timestamp()
    registered_at.FromDatetime(person.created_at)
    event = PersonRegistered(
        event_id=str(event_id), user_id=str(person.id), registered_at=registered_at
    )
    envelope = Envelope(event_id, TYPE, person.created_at, PROTOBUF)
    return OutgoingMessage(topic, str(person.id).encode(), event.SerializeToString(), envelope)
