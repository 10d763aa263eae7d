"""The private parts of kafka-python that we use are there, and do what we use them for.

Fails when an update of the library takes them away: `infra/kafka/internals.py` then has to change.
"""

import logging
import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest
from kafka import KafkaConsumer, KafkaProducer

from order_service.infra.kafka import clients, internals
from order_service.infra.kafka.clients import Connection, Membership
from tests.backends import NewTopic
from tests.waiting import eventually

WAIT_S = 30.0


@pytest.fixture
def consumer(kafka_connection: Connection) -> Iterator[KafkaConsumer]:
    membership = Membership(uuid.uuid4().hex, 500, 8_000_000, 6.0, 300.0)
    with closing(clients.open_consumer(kafka_connection, membership)) as consumer:
        yield consumer


def test_a_member_that_has_not_joined_is_about_to(
    consumer: KafkaConsumer, new_topic: NewTopic
) -> None:
    topic = new_topic()
    consumer.subscribe([topic])
    consumer.topics()

    def joined() -> bool:
        internals.join_group(consumer, 1000)
        return bool(consumer.assignment())

    assert internals.insist_on_rejoin(consumer)
    eventually(joined, WAIT_S, "a partition is assigned")
    assert not internals.insist_on_rejoin(consumer)


def test_what_a_fetch_asks_for_is_what_is_set(consumer: KafkaConsumer) -> None:
    settings = internals.fetch_settings(consumer)
    assert settings["fetch_min_bytes"] == 1
    assert settings["fetch_max_wait_ms"] == 100
    # That a change reaches the brokers: test_messages_that_keep_coming_are_gathered.


@pytest.mark.apache_kafka
def test_a_topic_has_the_id_that_brokers_gave_it(
    consumer: KafkaConsumer, new_topic: NewTopic
) -> None:
    topic = new_topic()
    consumer.partitions_for_topic(topic)
    found = internals.topic_id(consumer, topic)
    assert found
    assert str(uuid.UUID(found)) == found
    assert internals.topic_id(consumer, "no-such-topic") is None


def test_a_producer_closes_while_a_record_is_unsettled(
    kafka_connection: Connection, new_topic: NewTopic, caplog: pytest.LogCaptureFixture
) -> None:
    """Our `flush` is what the library's `close` calls; otherwise it would raise."""
    caplog.set_level(logging.CRITICAL)
    producer: KafkaProducer = clients.open_producer(kafka_connection, 1_000_000)
    timeouts: list[float | None] = []
    flush = producer.flush

    def watched(timeout: float | None = None) -> None:
        timeouts.append(timeout)
        flush(timeout)

    producer.flush = watched
    producer.send(new_topic(), b"value")
    producer.close(timeout=2.0)
    assert timeouts
