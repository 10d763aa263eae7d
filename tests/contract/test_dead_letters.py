"""What every DeadLetters keeps: the one in memory and the one on Kafka alike."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any, NamedTuple

import pytest

from order_service.infra.kafka import clients as kafka_clients
from order_service.infra.kafka.clients import Connection
from order_service.infra.kafka.producer import AcknowledgedProducer
from order_service.messaging.dead_letters import KafkaDeadLetters
from order_service.messaging.errors import DeadLettersUnavailableError
from order_service.messaging.ports import DeadLetter, DeadLetters
from tests.backends import NewTopic, free_port, records_of
from tests.builders import dead_letter
from tests.fakes import MemoryDeadLetters

Letter = dict[str, Any]
_LIMIT = 100 * 1024 * 1024


class Rig(NamedTuple):
    """Dead letters and the way to read them."""

    letters: DeadLetters
    read: Callable[[], Sequence[Letter]]


def memory() -> Rig:
    letters = MemoryDeadLetters()
    return Rig(letters, lambda: [_of_memory(letter) for letter in letters.published])


def _of_memory(letter: DeadLetter) -> Letter:
    message = letter.message
    return {
        "key": message.key,
        "value": message.value,
        "reason": letter.reason,
        "faults": letter.faults,
        "place": (message.topic, message.partition, message.offset, message.timestamp),
    }


def _of_kafka(record: Any) -> Letter:  # noqa: ANN401 - the library has no types
    headers = {name: value.decode() for name, value in record.headers}
    numbers = (int(headers[f"source-{name}"]) for name in ("partition", "offset", "timestamp"))
    return {
        "key": record.key,
        "value": record.value,
        "reason": headers["reason"],
        "faults": json.loads(headers["faults"]),
        "place": (headers["source-topic"], *numbers),
        "headers": headers,
    }


def unreachable(api_version: tuple[int, ...] | None = None) -> DeadLetters:
    """Dead letters for a broker that is not there."""
    nowhere = Connection(f"127.0.0.1:{free_port()}", api_version, bootstrap_timeout=0.2)
    return KafkaDeadLetters(
        AcknowledgedProducer(lambda: kafka_clients.open_producer(nowhere, _LIMIT), timeout=0.2), "t"
    )


def away() -> DeadLetters:
    letters = MemoryDeadLetters()
    letters.away = True
    return letters


@pytest.fixture
def kafka_rig(kafka_connection: Connection, new_topic: NewTopic) -> Iterator[Rig]:
    topic = new_topic()
    with closing(
        AcknowledgedProducer(lambda: kafka_clients.open_producer(kafka_connection, _LIMIT))
    ) as producer:
        letters = KafkaDeadLetters(producer, topic)
        yield Rig(letters, lambda: [_of_kafka(r) for r in records_of(kafka_connection, topic)])


@pytest.fixture(params=["memory", "kafka"])
def rig(request: pytest.FixtureRequest) -> Rig:
    return memory() if request.param == "memory" else request.getfixturevalue("kafka_rig")


def test_a_dead_letter_keeps_key_and_bytes_and_says_where_it_stood_and_why(rig: Rig) -> None:
    faults = {"payment": {"amount": ["Not a valid integer."]}, "имя": ["нет"]}
    letter = dead_letter(41, partition=3, key=b"\x00\xff", value=b"\xff\x00{", timestamp=5)
    rig.letters.publish([letter._replace(reason="invalid_order", faults=faults)])
    (found,) = rig.read()
    assert (found["key"], found["value"]) == (b"\x00\xff", b"\xff\x00{")
    assert (found["reason"], found["faults"]) == ("invalid_order", faults)
    assert found["place"] == ("orders", 3, 41, 5)


@pytest.mark.parametrize(("key", "value"), [(None, b""), (b"key", None), (b"", b"x")])
def test_messages_without_content_or_key_are_kept_as_they_are(
    rig: Rig, key: bytes | None, value: bytes | None
) -> None:
    rig.letters.publish([dead_letter(key=key, value=value)])
    (letter,) = rig.read()
    assert (letter["key"], letter["value"]) == (key, value)


def test_all_letters_are_acknowledged_in_their_order(rig: Rig) -> None:
    rig.letters.publish([dead_letter(offset) for offset in range(50)])
    rig.letters.publish([dead_letter(50)])
    assert [letter["place"][2] for letter in rig.read()] == list(range(51))


def test_no_letters_are_no_failure(rig: Rig) -> None:
    rig.letters.publish([])
    assert rig.read() == []


def unreachable_unasked() -> DeadLetters:
    """The same with a client that need not ask brokers for their version before it begins."""
    return unreachable((2, 3))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "make", [away, unreachable, unreachable_unasked], ids=["memory", "kafka", "kafka unasked"]
)
def test_what_is_not_acknowledged_is_told_soon(make: Callable[[], DeadLetters]) -> None:
    with pytest.raises(DeadLettersUnavailableError):
        make().publish([dead_letter()])


def test_a_message_with_neither_key_nor_content_is_a_dead_letter_too(
    kafka_rig: Rig,
) -> None:
    kafka_rig.letters.publish([dead_letter(key=None, value=None)])
    (letter,) = kafka_rig.read()
    assert (letter["key"], letter["value"]) == (None, b"")
    assert letter["headers"]["body-null"] == "true"


def test_a_dead_letter_keeps_the_headers_of_its_message(kafka_rig: Rig) -> None:
    headers = [("id", b"7"), ("traceparent", b"00-x"), ("replayed-from", b"0-1"), ("none", None)]
    kafka_rig.letters.publish([dead_letter(headers=headers)])
    (letter,) = kafka_rig.read()
    kept = {name: value for name, value in letter["headers"].items() if "original" in name}
    assert kept == {"original-id": "7"}, "others are of the journey, not of the message"


@pytest.mark.apache_kafka
def test_a_letter_that_its_topic_refuses_loses_its_body_and_holds_up_no_other(
    kafka_rig: Rig,
) -> None:
    size = 3_000_000
    letters = [dead_letter(1), dead_letter(2, value=b"x" * size), dead_letter(3)]
    kafka_rig.letters.publish(letters)
    found = {letter["place"][2]: letter for letter in kafka_rig.read()}
    assert sorted(found) == [1, 2, 3]
    assert found[1]["value"] == found[3]["value"] == dead_letter().message.value
    assert found[2]["value"] == b""
    assert found[2]["headers"]["body-omitted"] == str(size)


def test_the_largest_message_fits_with_its_headers(kafka_rig: Rig) -> None:
    kafka_rig.letters.publish([dead_letter(value=b"x" * 1_000_000)])
    assert [len(letter["value"]) for letter in kafka_rig.read()] == [1_000_000]


def test_endless_faults_are_cut_to_the_names_of_their_fields(kafka_rig: Rig) -> None:
    faults = {"items": {str(number): ["bad"] for number in range(5000)}, "entry": ["bad"]}
    kafka_rig.letters.publish([dead_letter()._replace(faults=faults)])
    (letter,) = kafka_rig.read()
    assert letter["faults"] == {"_message": ["Too many faults to list, in: items, entry"]}
