"""Faults of Kafka: brokers that die, hang or forget, topics that vanish."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from order_service.embedded.apache_kafka import ApacheKafka
from tests.chaos.feed import Feed
from tests.chaos.service import Service
from tests.chaos.stack import Stack, running_stack
from tests.servers import started
from tests.waiting import eventually

pytestmark = pytest.mark.apache_kafka


@pytest.fixture
def trio(tmp_path: Path) -> Iterator[Stack]:
    with (
        started(ApacheKafka(tmp_path / "kafka", brokers=3)) as kafka,
        running_stack(tmp_path, kafka) as stack,
    ):
        yield stack
        kafka.kill()  # its good order takes seconds


def test_a_killed_broker_is_waited_for_and_nothing_is_lost(
    stack: Stack, consumer: Service, feed: Feed
) -> None:
    feed.flow(500)
    stack.await_rows(100)
    stack.kafka.kill()
    eventually(lambda: consumer.part("consumer").get("ok") is False, 30, "readiness fails")
    stack.kafka.start()
    consumer.await_status(200, 40)
    stack.check_set(feed)
    assert consumer.process.poll() is None


def test_a_hung_broker_is_waited_for_and_nothing_is_lost(
    stack: Stack, consumer: Service, feed: Feed
) -> None:
    feed.flow(500)
    stored = stack.count()
    stack.await_rows(stored + 100)
    stack.kafka.suspend()
    try:
        eventually(lambda: consumer.part("consumer").get("ok") is False, 30, "readiness fails")
    finally:
        stack.kafka.resume()
    consumer.await_status(200, 40)
    stack.check_set(feed)
    assert consumer.process.poll() is None


def test_offsets_that_the_broker_no_longer_has_are_reported_and_passed(
    stack: Stack, consumer: Service, feed: Feed
) -> None:
    feed.pause()
    stack.await_drained()
    assert consumer.stop() == 0
    feed.produce(200)
    _delete_everything(stack)
    consumer.start()
    consumer.await_status(200, 30)
    before = stack.count()
    feed.produce(100)
    stack.await_rows(before + 50)
    assert consumer.metric("order_service_offset_gap_messages_total") == 200


def _delete_everything(stack: Stack) -> None:
    admin = KafkaAdminClient(**stack.options)
    partitions = [TopicPartition(stack.topic, number) for number in range(4)]
    admin.delete_records(dict.fromkeys(partitions, -1))
    admin.close()


def test_a_deleted_topic_is_seen_within_seconds_and_ends_the_consumer(fresh: Stack) -> None:
    consumer = fresh.consumer(KAFKA_STALL_TIMEOUT="16")
    consumer.await_status(200, 30)
    with fresh.feed() as feed:
        feed.produce(20)
    fresh.await_drained()
    fresh.delete_topic()
    consumer.await_status(503, 15)
    assert consumer.metric("order_service_consumer_last_fetch_age_seconds") >= 4
    assert consumer.process.wait(30) == 70
    consumer.start()  # what a supervisor does: the topic is there again, the service goes on
    consumer.await_status(200, 30)
    with fresh.feed(seed=2) as feed:
        feed.produce(20)
        fresh.await_drained()


def test_a_broker_that_is_gone_is_seen_and_ends_the_consumer_in_the_end(
    fresh: Stack, consumer_of_short_patience: Service
) -> None:
    consumer = consumer_of_short_patience
    fresh.kafka.suspend()
    try:
        consumer.await_status(503, 15)
        assert consumer.process.wait(25) == 70
    finally:
        fresh.kafka.resume()


@pytest.fixture
def consumer_of_short_patience(fresh: Stack) -> Service:
    consumer = fresh.consumer(KAFKA_STALL_TIMEOUT="10")
    consumer.await_status(200, 30)
    return consumer


def test_one_of_three_brokers_may_die_and_take_the_coordinator_with_it(trio: Stack) -> None:
    kafka = trio.kafka
    assert isinstance(kafka, ApacheKafka)
    consumer = trio.consumer(KAFKA_REPLICATION_FACTOR="3")
    consumer.await_status(200, 40)
    with trio.feed() as feed:
        feed.flow(300)
        for broker in (_coordinator(trio), 0):
            trio.await_rows(trio.count() + 200, 40)
            kafka.await_in_sync()
            kafka.brokers[broker].kill()
            trio.await_rows(trio.count() + 200, 60)
            kafka.start()
        trio.check_set(feed)
    assert consumer.process.poll() is None


def _coordinator(stack: Stack) -> int:
    """Return the place of the broker that coordinates the group."""
    admin = KafkaAdminClient(**stack.options)
    try:
        lookup = admin._find_coordinator_id  # noqa: SLF001 - no public way
        return int(admin._manager.run(lookup, stack.group)) - 1  # noqa: SLF001
    finally:
        admin.close()


def test_a_spare_consumer_without_partitions_is_ready_and_stays_alive(
    fresh: Stack,
) -> None:
    crew = [fresh.consumer(KAFKA_STALL_TIMEOUT="8", KAFKA_PARTITIONS="1") for _ in range(2)]
    for consumer in crew:
        consumer.await_status(200, 30)

    def spare() -> list[Service]:
        return [each for each in crew if each.part("consumer")["partitions"] == 0]

    # The first one had the partition for itself, and may have to give it away.
    eventually(lambda: len(spare()) == 1, 5, "one of them knows that it has no partition")
    (idle,) = spare()
    with pytest.raises(subprocess.TimeoutExpired):
        idle.process.wait(7)
    assert idle.get("/health/ready").status == 200
