"""`order-service dead-letters` on a real broker: list, show, and replays that are stored."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kafka import KafkaProducer

from order_service.embedded.server import KafkaServer
from order_service.infra.kafka import clients as kafka_clients
from order_service.infra.kafka.clients import Connection
from order_service.infra.kafka.producer import AcknowledgedProducer
from order_service.messaging.dead_letters import KafkaDeadLetters
from order_service.messaging.ports import DeadLetter
from tests.backends import Environ, NewTopic, connect, records_of
from tests.builders import Message, as_json, order
from tests.integration.service_process import command, consuming
from tests.waiting import eventually

pytestmark = pytest.mark.apache_kafka

Publish = Callable[[list[DeadLetter]], None]
IN_PART = 3


@pytest.fixture
def environ(kafka_server: KafkaServer, new_topic: NewTopic) -> Environ:
    topics = {"ORDERS_TOPIC": new_topic(2), "ORDERS_DEAD_LETTER_TOPIC": new_topic(1)}
    return {**kafka_server.environment(), **topics}


@pytest.fixture
def publish(environ: Environ, kafka_connection: Connection) -> Iterator[Publish]:
    producer = AcknowledgedProducer(
        lambda: kafka_clients.open_producer(kafka_connection, 4 * 1024 * 1024)
    )
    with closing(producer):
        yield KafkaDeadLetters(producer, environ["ORDERS_DEAD_LETTER_TOPIC"]).publish


def letter(
    environ: Environ,
    body: bytes | None,
    reason: str = "invalid_order",
    **parts: Any,  # noqa: ANN401 - fields of Message
) -> DeadLetter:
    message = Message(body, 7, 1, topic=environ["ORDERS_TOPIC"])._replace(**parts)
    return DeadLetter(message, reason, {"payment": {"amount": ["Missing data."]}})


def without_amount(uid: str) -> bytes:
    body = as_json(order(uid))
    del body["payment"]["amount"]
    return json.dumps(body).encode()


def listed(environ: Environ, *arguments: str) -> list[Mapping[str, Any]]:
    done = command(environ, "dead-letters", "list", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def ids(environ: Environ, *arguments: str) -> list[str]:
    return [found["id"] for found in listed(environ, *arguments)]


def replay(environ: Environ, *arguments: str, stdin: bytes | None = None) -> tuple[int, str]:
    done = command(environ, "dead-letters", "replay", *arguments, stdin=stdin)
    return done.returncode, (done.stdout + done.stderr).decode()


def test_list_shows_the_newest_letters_that_match(environ: Environ, publish: Publish) -> None:
    publish([letter(environ, b"{", "invalid_json", key=b"a", partition=0)])
    publish([letter(environ, without_amount("by-uid"), key=None)])
    publish([letter(environ, b"", "empty", key=b"\x1b[2Jevil\xff")])
    assert ids(environ) == ["0-0", "0-1", "0-2"]
    assert ids(environ, "--limit", "1") == ["0-2"]
    assert ids(environ, "--reason", "empty", "--reason", "invalid_json") == ["0-0", "0-2"]
    assert ids(environ, "--partition", "1") == ["0-1", "0-2"]
    assert ids(environ, "--key", "a") == ["0-0"]
    assert ids(environ, "--uid", "by-uid") == ["0-1"]
    assert ids(environ, "--since", "1h", "--until", "2100-01-01T00:00:00Z") == ["0-0", "0-1", "0-2"]
    assert ids(environ, "--until", "1h") == []


def test_list_never_shows_what_is_in_a_message(environ: Environ, publish: Publish) -> None:
    publish([letter(environ, without_amount("a"), key=b"\x1b[2J\xff")])
    done = command(environ, "dead-letters", "list")
    assert done.stdout.decode().split() == [
        "0-0",
        done.stdout.decode().split()[1],
        "invalid_order",
        f"{environ['ORDERS_TOPIC']}/1/7",
        "key=\\x1b[2J\\xff",
        "payment.amount:",
        "Missing",
        "data.",
    ]
    assert done.stderr.decode().endswith("1 dead letter\n")


def test_show_masks_personal_data_and_raw_does_not(environ: Environ, publish: Publish) -> None:
    body = without_amount("a")
    publish([letter(environ, body)])
    shown = command(environ, "dead-letters", "show", "0-0").stdout.decode()
    assert "payment.amount: Missing data." in shown
    assert '"order_uid": "a"' in shown
    assert '"name": "<string, ' in shown
    for personal in as_json()["delivery"].values():
        assert personal not in shown
    assert command(environ, "dead-letters", "show", "0-0", "--raw").stdout == body


def test_a_letter_that_does_not_exist_is_told(environ: Environ, publish: Publish) -> None:
    publish([letter(environ, b"{")])
    assert command(environ, "dead-letters", "show", "0-99").returncode == IN_PART
    assert command(environ, "dead-letters", "show", "99-0").returncode == IN_PART
    assert replay(environ, "0-99")[0] == IN_PART


def test_wrong_usage_is_refused(environ: Environ, tmp_path: Path) -> None:
    (tmp_path / "repaired.json").write_bytes(b"{}")
    repaired = str(tmp_path / "repaired.json")
    for arguments in ([], ["0-0", "--all"], ["--all", "--file", repaired], ["x-1"]):
        assert replay(environ, *arguments)[0] == 2


def test_without_a_topic_the_command_says_so(environ: Environ) -> None:
    absent = environ | {"ORDERS_DEAD_LETTER_TOPIC": "absent"}
    done = command(absent, "dead-letters", "list")
    assert (done.returncode, done.stderr.decode()) == (1, "Error: there is no topic absent\n")


def test_a_dry_run_sends_nothing(
    environ: Environ, publish: Publish, kafka_connection: Connection
) -> None:
    publish([letter(environ, msgspec.json.encode(order("good")))])
    publish([letter(environ, b"{")])
    code, output = replay(environ, "--all", "--dry-run")
    assert code == IN_PART
    assert "replay: as order good" in output
    assert "still invalid: invalid_json" in output
    assert records_of(kafka_connection, environ["ORDERS_TOPIC"]) == []


def test_a_replay_is_sent_once_with_its_key_and_its_origin(
    environ: Environ, publish: Publish, kafka_connection: Connection
) -> None:
    body = msgspec.json.encode(order("good"))
    publish([letter(environ, body, "refused_by_storage", key=b"good")])
    publish([letter(environ, b"{", "invalid_json")])
    assert replay(environ, "--reason", "refused_by_storage")[0] == 0
    code, output = replay(environ, "0-0")
    assert (code, "already replayed" in output) == (0, True)
    (sent,) = records_of(kafka_connection, environ["ORDERS_TOPIC"])
    assert (sent.key, sent.value) == (b"good", body)
    assert sent.headers == [("replayed-from", b"0-0")]
    assert [(found["id"], found["replayed"]) for found in listed(environ)] == [
        ("0-0", True),
        ("0-1", False),
    ]
    assert replay(environ, "0-0", "--again")[0] == 0
    assert len(records_of(kafka_connection, environ["ORDERS_TOPIC"])) == 2


def test_a_replay_has_the_headers_of_its_message(
    environ: Environ, publish: Publish, kafka_connection: Connection
) -> None:
    body = msgspec.json.encode(order("good"))
    publish([letter(environ, body, headers=[("id", b"7"), ("type", b"x.v1")])])
    assert replay(environ, "0-0")[0] == 0
    (sent,) = records_of(kafka_connection, environ["ORDERS_TOPIC"])
    assert sent.headers == [("id", b"7"), ("type", b"x.v1"), ("replayed-from", b"0-0")]


def test_what_is_still_invalid_is_not_sent(
    environ: Environ, publish: Publish, kafka_connection: Connection
) -> None:
    publish([letter(environ, b"{", "invalid_json"), letter(environ, None, "empty", key=None)])
    assert replay(environ, "--all", "--yes")[0] == IN_PART
    assert records_of(kafka_connection, environ["ORDERS_TOPIC"]) == []


def test_a_repaired_message_must_be_a_valid_order(environ: Environ, publish: Publish) -> None:
    publish([letter(environ, without_amount("a"))])
    code, output = replay(environ, "0-0", "--file", "-", stdin=without_amount("a"))
    assert code == 1
    assert "payment.amount: Missing data for required field." in output


def test_a_repaired_message_is_stored_and_its_letter_stays(
    service_environ: Environ, producer: KafkaProducer, tmp_path: Path
) -> None:
    producer.send(service_environ["ORDERS_TOPIC"], without_amount("a"), key=b"odd key").get(30)
    with consuming(service_environ) as consumer:
        eventually(consumer.drained, 40, "the bad message is a dead letter")
        (rejected,) = listed(service_environ)
        assert (rejected["reason"], rejected["key"]) == ("invalid_order", "odd key")
        repaired = tmp_path / "repaired.json"
        repaired.write_bytes(msgspec.json.encode(order("a")))
        code, output = replay(service_environ, rejected["id"], "--file", str(repaired))
        assert (code, "repaired as order a" in output) == (0, True)
        eventually(lambda: stored(service_environ) == ["a"], 40, "the repaired order is stored")
        assert [found["replayed"] for found in listed(service_environ)] == [True]
        assert consumer.stop()[0] == 0


def stored(environ: Environ) -> list[str]:
    with connect(environ, admin=True) as database:
        return [uid for (uid,) in database.execute("SELECT order_uid FROM orders.orders")]
