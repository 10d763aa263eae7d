"""A poisoned topic: the consumer pauses and says why, and nothing drains into dead letters."""

import json
from contextlib import closing

import msgspec
import pytest
from kafka import KafkaProducer

from order_service.infra.kafka import clients as kafka_clients
from order_service.infra.kafka.clients import Connection
from order_service.infra.kafka.producer import AcknowledgedProducer
from order_service.messaging.dead_letters import KafkaDeadLetters
from tests.backends import Environ, committed_by, committed_of, records_of, send
from tests.builders import dead_letter, order
from tests.integration.service_process import Consumer, command, consuming
from tests.waiting import eventually

pytestmark = pytest.mark.apache_kafka

REASON = (
    "200 of the last 200 messages were rejected (invalid_json 200); more than 50% are not made"
    " dead letters"
)


@pytest.fixture
def environ(service_environ: Environ) -> Environ:
    return service_environ | {"ORDERS_BATCH_MESSAGES": "50"}


def letters(environ: Environ, connection: Connection) -> int:
    return len(records_of(connection, environ["ORDERS_DEAD_LETTER_TOPIC"]))


def paused(consumer: Consumer) -> bool:
    return consumer.part().get("paused") is not None


def test_a_poisoned_topic_pauses_consumption_before_any_letter_is_published(
    environ: Environ, producer: KafkaProducer, kafka_connection: Connection
) -> None:
    topic, group = environ["ORDERS_TOPIC"], environ["ORDERS_GROUP_ID"]
    send(producer, topic, *[b"no json"] * 300)
    for _ in range(2):  # a restart meets the same topic in the same way
        with consuming(environ) as consumer:
            eventually(lambda: paused(consumer), 40, "it pauses")
            status, body = consumer.get("/health/ready")
            part = json.loads(body)["parts"]["consumer"]
            assert (status, part["ok"], part["paused"]) == (503, False, REASON)
            metrics = consumer.get("/metrics")[1].decode()
            labels = f'group="{group}",reason="invalid_json",topic="{topic}"'
            assert f"order_service_consumer_paused_rejections{{{labels}}} 200.0" in metrics
            labels = f'group="{group}",topic="{topic}"'
            assert f"order_service_consumer_paused{{{labels}}} 1.0" in metrics
            code, log = consumer.stop()
        assert (code, REASON in log) == (0, True)
        assert letters(environ, kafka_connection) == 0
        assert committed_of(kafka_connection, group, topic) is None


def test_a_paused_consumer_stays_a_member_and_is_not_ended_by_the_watchdog(
    environ: Environ, producer: KafkaProducer
) -> None:
    quick = environ | {"KAFKA_STALL_TIMEOUT": "5", "KAFKA_SESSION_TIMEOUT": "6"}
    send(producer, environ["ORDERS_TOPIC"], *[b"no json"] * 300)
    with consuming(quick) as consumer:
        eventually(lambda: paused(consumer), 40, "it pauses")
        eventually(
            lambda: consumer.part().get("last_progress_age_seconds", 0) > 8,
            40,
            "the session is over",
        )
        assert consumer.part()["partitions"] == 2
        assert consumer.stop()[0] == 0


def test_raising_the_limit_lets_it_go_on_where_it_stopped(
    environ: Environ, producer: KafkaProducer, kafka_connection: Connection
) -> None:
    good = msgspec.json.encode(order("good"))
    send(producer, environ["ORDERS_TOPIC"], good, *[b"no json"] * 300, good)
    with consuming(environ) as consumer:
        eventually(lambda: paused(consumer), 40, "it pauses")
        assert consumer.stop()[0] == 0
    with consuming(environ | {"ORDERS_REJECTION_LIMIT": "1"}) as consumer:
        eventually(consumer.drained, 40, "all is dealt with")
        assert consumer.get("/health/ready")[0] == 200
        assert consumer.stop()[0] == 0
    assert letters(environ, kafka_connection) == 300


def test_a_few_bad_messages_stop_nothing(
    environ: Environ, producer: KafkaProducer, kafka_connection: Connection
) -> None:
    send(producer, environ["ORDERS_TOPIC"], *[b"no json"] * 10)
    with consuming(environ) as consumer:
        eventually(consumer.drained, 40, "all is dealt with")
        assert not paused(consumer)
        assert consumer.stop()[0] == 0
    assert letters(environ, kafka_connection) == 10


def test_a_consumer_with_port_0_exports_nothing(
    environ: Environ, producer: KafkaProducer, kafka_connection: Connection
) -> None:
    send(producer, environ["ORDERS_TOPIC"], b"no json")
    topic = environ["ORDERS_TOPIC"]
    with (
        consuming(environ, "0") as consumer,
        committed_by(kafka_connection, environ["ORDERS_GROUP_ID"]) as committed,
    ):
        eventually(lambda: committed(topic) == 1, 40, "it consumes")
        code, log = consumer.stop()
    assert (code, "metrics and health are served" in log) == (0, False)


LARGEST = 1024 * 1024 - 200  # of a value with a short key, by the default limit of a topic


def test_the_largest_message_becomes_a_letter_with_all_its_bytes(
    environ: Environ, producer: KafkaProducer, kafka_connection: Connection
) -> None:
    body = b"[" + b" " * (LARGEST - 2) + b"x"
    send(producer, environ["ORDERS_TOPIC"], body)
    with consuming(environ) as consumer:
        eventually(consumer.drained, 40, "it is buried")
        assert consumer.stop()[0] == 0
    (letter,) = records_of(kafka_connection, environ["ORDERS_DEAD_LETTER_TOPIC"])
    assert letter.value == body


def test_a_letter_that_its_topic_refuses_is_cut_and_holds_nothing_up(
    environ: Environ,
    producer: KafkaProducer,
    kafka_connection: Connection,
    small_topic: str,
) -> None:
    small = environ | {"ORDERS_DEAD_LETTER_TOPIC": small_topic}
    send(producer, environ["ORDERS_TOPIC"], b"a", b"b" * LARGEST, b"c")
    with consuming(small) as consumer:
        eventually(consumer.drained, 40, "all are buried")
        code, log = consumer.stop()
    assert (code, "their bodies are omitted" in log) == (0, True)
    found = {
        dict(record.headers)["source-offset"]: record
        for record in records_of(kafka_connection, small_topic)
    }
    assert [found[offset].value for offset in (b"0", b"1", b"2")] == [b"a", b"", b"c"]
    assert dict(found[b"1"].headers)["body-omitted"] == b"%d" % LARGEST
    id_ = f"{found[b'1'].partition}-{found[b'1'].offset}"
    shown = command(small, "dead-letters", "show", id_)
    assert b"body: none" in shown.stdout
    assert command(small, "dead-letters", "show", id_, "--raw").returncode == 3
    assert b"no body" in command(small, "dead-letters", "replay", id_).stdout


def test_many_letters_that_their_topic_refuses_cost_little(
    small_topic: str, kafka_connection: Connection
) -> None:
    connections: list[KafkaProducer] = []

    def connect() -> KafkaProducer:
        connections.append(kafka_clients.open_producer(kafka_connection, 4 * 1024 * 1024))
        return connections[-1]

    sizes = [1000 * number for number in range(1, 41)]
    with closing(AcknowledgedProducer(connect)) as acknowledged:
        letters = [dead_letter(size, value=b"x" * size) for size in reversed(sizes)]
        KafkaDeadLetters(acknowledged, small_topic).publish(letters)
    found = {
        int(dict(record.headers)["source-offset"]): len(record.value)
        for record in records_of(kafka_connection, small_topic)
    }
    assert found == {size: size if size <= 20_000 else 0 for size in sizes}
    assert len(connections) == 3
