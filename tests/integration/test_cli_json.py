"""What the commands print for programs, on real servers."""

import json
from contextlib import closing

import pytest
from click.testing import CliRunner

from order_service.cli import main
from order_service.embedded.server import KafkaServer
from order_service.infra.kafka import clients as kafka_clients
from order_service.infra.kafka.clients import Connection
from order_service.infra.kafka.producer import AcknowledgedProducer
from order_service.messaging.dead_letters import KafkaDeadLetters
from order_service.messaging.ports import DeadLetter
from tests.backends import Environ, NewTopic
from tests.builders import Message, as_json, order


def test_the_state_of_the_migrations_is_an_array(
    empty_database: Environ, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("POSTGRES_USER", "POSTGRES_PASSWORD"):
        monkeypatch.setenv(name, empty_database[name])
    runner = CliRunner(env=empty_database)

    def applied() -> set[bool]:
        shown = runner.invoke(main, ["migrate", "status", "--json"])
        assert shown.exit_code == 0
        found = json.loads(shown.stdout)
        assert "orders/0001-create-orders" in {each["id"] for each in found}
        return {each["applied"] for each in found}

    assert applied() == {False}
    assert runner.invoke(main, ["migrate", "up"]).exit_code == 0
    assert applied() == {True}


def test_a_dead_letter_is_an_object_without_personal_data(
    kafka_server: KafkaServer, kafka_connection: Connection, new_topic: NewTopic
) -> None:
    topic = new_topic()
    body = as_json(order("uid-1")) | {"locale": 5}
    message = Message(json.dumps(body).encode(), 7, 1, topic="orders")
    with closing(
        AcknowledgedProducer(lambda: kafka_clients.open_producer(kafka_connection, 1 << 22))
    ) as producer:
        letters = KafkaDeadLetters(producer, topic)
        letters.publish([DeadLetter(message, "invalid_order", {"locale": ["Not a string."]})])
    environ = kafka_server.environment() | {"ORDERS_DEAD_LETTER_TOPIC": topic}
    shown = CliRunner().invoke(main, ["dead-letters", "show", "0-0", "--json"], env=environ)
    assert shown.exit_code == 0, shown.output
    found = json.loads(shown.stdout)
    assert found["id"] == "0-0"
    assert found["faults"] == ["locale: Not a string."]
    assert found["bytes"] == len(message.value or b"")
    assert found["body"]["order_uid"] == "uid-1"
    assert body["delivery"]["phone"] not in shown.stdout


def test_raw_and_json_exclude_each_other(kafka_server: KafkaServer) -> None:
    words = ["dead-letters", "show", "0-0", "--json", "--raw"]
    result = CliRunner().invoke(main, words, env=kafka_server.environment())
    assert result.exit_code == 2
