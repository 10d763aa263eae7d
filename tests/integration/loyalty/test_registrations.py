"""Points for a registration: once a person, whatever comes again, early or late."""

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from order_service.contexts.loyalty.generated.events_pb2 import PersonRegistered
from order_service.contexts.loyalty.model import Balance, Kind
from order_service.contexts.loyalty.points_postgres import PostgresPoints
from order_service.contexts.loyalty.registrations import TYPE, Registrations, person_of
from order_service.infra.postgres.database import Database
from order_service.messaging.envelope import PROTOBUF, Envelope
from order_service.messaging.errors import InvalidMessageError
from order_service.messaging.inbox import Inbox, InboxHandler, Rejections, Storage
from order_service.messaging.ports import DeadLetter
from tests.fakes import Once
from tests.integration.loyalty.conftest import Admin

NEWEST = 2**63 - 1


class Record(NamedTuple):
    """A message as it comes from the topic; fakes :class:`messaging.ports.Message`."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class Letters:
    """Fakes :class:`messaging.ports.DeadLetters`."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def publish(self, letters: Sequence[DeadLetter]) -> None:
        self.reasons += [letter.reason for letter in letters]


class Tally:
    """Fakes :class:`messaging.inbox.ports.InboxObserver`."""

    def __init__(self) -> None:
        self.fresh = self.copies = self.refused = 0

    def handled(self, messages: int) -> None:
        self.fresh += messages

    def duplicates(self, messages: int) -> None:
        self.copies += messages

    def rejected(self, messages: int) -> None:
        self.refused += messages


def body(person: uuid.UUID) -> bytes:
    event = PersonRegistered(event_id=str(uuid.uuid4()), user_id=str(person))
    return event.SerializeToString()


def message(value: bytes | None, event_id: uuid.UUID | None = None) -> Record:
    envelope = Envelope(event_id or uuid.uuid4(), TYPE, datetime.now(UTC), PROTOBUF)
    headers = [(name, text.encode()) for name, text in envelope.headers().items()]
    return Record("registration", 0, 0, 0, b"key", value, headers)


@pytest.fixture
def letters() -> Letters:
    return Letters()


@pytest.fixture
def handler(
    loyalty_database: Database, points: PostgresPoints, letters: Letters, admin: Admin
) -> InboxHandler[uuid.UUID]:
    admin.execute("TRUNCATE loyalty.inbox")
    return new_handler(loyalty_database, points, letters)


def new_handler(
    database: Database, points: PostgresPoints, letters: Letters
) -> InboxHandler[uuid.UUID]:
    """As a process that starts has it."""
    storage = Storage(database, Inbox("loyalty"), Once())
    return InboxHandler(
        Registrations(points, 10_000), storage, Rejections(letters, Once()), Tally()
    )


def handle(handler: InboxHandler[uuid.UUID], *records: Record) -> None:
    handler.store(handler.prepare(records, None))


def test_a_registration_is_worth_its_points(
    handler: InboxHandler[uuid.UUID], points: PostgresPoints
) -> None:
    person = uuid.uuid4()
    handle(handler, message(body(person)))
    assert points.balance(person) == Balance(10_000, 0)
    (entry,) = points.history(person, 10, NEWEST)
    assert (entry.kind, entry.reference) == (Kind.BONUS, "registration")


def test_a_hundred_deliveries_are_worth_no_more_than_one(
    handler: InboxHandler[uuid.UUID],
    loyalty_database: Database,
    points: PostgresPoints,
    letters: Letters,
    admin: Admin,
) -> None:
    person = uuid.uuid4()
    copy = message(body(person), uuid.uuid4())
    for _ in range(5):
        handle(handler, *[copy] * 10)
    # A restart remembers nothing that is not in the database.
    again = new_handler(loyalty_database, points, letters)
    for _ in range(4):
        handle(again, *[copy] * 10)
    # The inbox forgets in time, and an event may be told anew under another id.
    admin.execute("TRUNCATE loyalty.inbox")
    handle(again, *[copy] * 5, *[message(body(person)) for _ in range(5)])
    assert points.balance(person).current == 10_000
    assert len(points.history(person, 10, NEWEST)) == 1
    assert not letters.reasons


def test_copies_that_are_handled_at_once_are_worth_no_more_than_one(
    handler: InboxHandler[uuid.UUID], points: PostgresPoints
) -> None:
    people = [uuid.uuid4() for _ in range(10)]
    batches = [[message(body(person)) for person in people] for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda batch: handle(handler, *batch), batches))
    assert {points.balance(person).current for person in people} == {10_000}


def test_what_is_no_registration_is_a_dead_letter_alone(
    handler: InboxHandler[uuid.UUID], points: PostgresPoints, letters: Letters
) -> None:
    person = uuid.uuid4()
    nobody = PersonRegistered(event_id="x", user_id="nobody").SerializeToString()
    handle(
        handler, message(None), message(b"\xff"), message(nobody), message(body(person)),
        message(b"\0\0\0\0\1\2" + body(person)),
    )  # fmt: skip
    assert letters.reasons == ["invalid_registration"] * 4
    assert points.balance(person).current == 10_000


def test_the_frame_of_a_schema_registry_is_taken_off() -> None:
    person = uuid.uuid4()
    assert person_of(b"\0\0\0\0\1\0" + body(person)) == person
    with pytest.raises(InvalidMessageError):
        person_of(b"\0\0\0\0\1\2" + body(person))
