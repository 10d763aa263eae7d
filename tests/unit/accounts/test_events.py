"""The event of a registration, plain and as clients of a registry read it."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka.schema_registry.error import SchemaRegistryError

from order_service.contexts.accounts import registry
from order_service.contexts.accounts.events import registration_message
from order_service.contexts.accounts.generated.events_pb2 import PersonRegistered
from order_service.contexts.accounts.model import NewPerson, Profile, new_id
from order_service.contexts.accounts.registry import RegisteredTopics
from order_service.messaging.errors import TopicsUnavailableError
from order_service.messaging.outbox.ports import PendingMessage
from tests.builders import ROOT

PERSON = NewPerson(
    new_id(),
    "ann@example.com",
    "ann@example.com",
    "hash",
    Profile("ann@example.com", "Ann"),
    datetime(2026, 11, 26, 12, 0, 0, 123456, tzinfo=UTC),
)


def pending(number: int = 1) -> PendingMessage:
    message = registration_message("registration", PERSON)
    headers = message.envelope.headers()
    return PendingMessage(number, message.topic, message.key, message.value, headers, 0)


class Topics:
    """Takes what is published."""

    def __init__(self) -> None:
        self.taken: list[PendingMessage] = []
        self.closed = 0

    def publish(self, messages: Sequence[PendingMessage]) -> Mapping[int, str]:
        self.taken += messages
        return {}

    def close(self) -> None:
        self.closed += 1


def test_the_event_tells_who_and_when_and_nothing_else() -> None:
    message = registration_message("registration", PERSON)
    event = PersonRegistered.FromString(message.value or b"")
    assert event.user_id == str(PERSON.id) == message.key.decode()
    assert event.registered_at.ToDatetime(UTC) == PERSON.created_at
    assert message.envelope.id.hex == event.event_id.replace("-", "")
    assert b"ann" not in (message.value or b"").lower()


def test_the_same_registration_makes_the_same_event() -> None:
    assert registration_message("t", PERSON) == registration_message("t", PERSON)


def test_a_registry_puts_the_number_of_the_schema_in_front() -> None:
    topics = Topics()
    framing = RegisteredTopics(topics, "mock://accounts")
    for _ in ("first", "after a close"):
        assert framing.publish([pending()]) == {}
        framing.close()
    for message in topics.taken:
        assert message.value
        assert message.value[:6] == b"\x00\x00\x00\x00\x01\x00"
        assert message.value[6:] == pending().value
        assert message.headers["content-type"] == registry.CONFLUENT_PROTOBUF
    assert topics.closed == 2


def test_a_registry_that_is_away_is_like_a_broker_that_is() -> None:
    framing = RegisteredTopics(Topics(), "http://127.0.0.1:1", "user:password")
    with pytest.raises(TopicsUnavailableError, match="schema registry"):
        framing.publish([pending()])
    framing.close()


@pytest.mark.parametrize(
    ("status", "refused"), [(409, True), (422, True), (500, False), (401, False)]
)
def test_what_a_registry_refuses_for_good_stops_that_message_alone(
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    refused: bool,  # noqa: FBT001
) -> None:
    def fails(*_: object) -> bytes:
        raise SchemaRegistryError(status, status, "no")

    framing = RegisteredTopics(Topics(), "mock://accounts")
    monkeypatch.setattr(framing, "_serialize", fails)
    if refused:
        assert set(framing.publish([pending(7)])) == {7}
    else:
        with pytest.raises(TopicsUnavailableError):
            framing.publish([pending(7)])


def test_the_generated_code_is_that_of_the_schemas(tmp_path: Path) -> None:
    command = [sys.executable, "schemas/generate.py", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)
    for made in tmp_path.rglob("*.py*"):
        kept = ROOT / "src/order_service/contexts" / made.relative_to(tmp_path)
        assert made.read_text() == kept.read_text(), f"run schemas/generate.py: {kept}"
    assert len(list(tmp_path.rglob("accounts/generated/*.py"))) == 3
