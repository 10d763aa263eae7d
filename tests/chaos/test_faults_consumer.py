"""Consumers that die, freeze, come and go: nothing is lost, nothing old overwrites the new."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from producer.message import Message, encode
from tests.chaos.feed import Feed, orders
from tests.chaos.proxy import OFFSET_COMMIT, KafkaProxy, TcpProxy
from tests.chaos.set_check import stored_rows
from tests.chaos.stack import Stack
from tests.waiting import eventually

pytestmark = pytest.mark.apache_kafka


@pytest.fixture
def feed(fresh: Stack) -> Iterator[Feed]:
    fresh.create_topics()
    with fresh.feed() as feed:
        yield feed


@pytest.fixture
def kafka_proxy(fresh: Stack) -> Iterator[KafkaProxy]:
    port = int(fresh.kafka.bootstrap_servers.rpartition(":")[2])
    with KafkaProxy(lambda: port) as proxy:
        yield proxy


def versions(message: Message, count: int) -> list[Message]:
    """The same order with other content, again and again."""
    order = json.loads(message.value)
    changed = []
    for number in range(count):
        order["track_number"] = f"VERSION{number}"
        order["items"] = order["items"][:1] * (1 + (count - number) % 3)
        changed.append(replace(message, value=encode(order)))
    return changed


def track_numbers(stack: Stack) -> set[str]:
    return {row["track_number"] for row in stored_rows(stack.dsn).values()}


def test_a_consumer_killed_between_database_commit_and_offset_commit_repeats_harmlessly(
    fresh: Stack, feed: Feed, kafka_proxy: KafkaProxy
) -> None:
    consumer = fresh.consumer(KAFKA_BOOTSTRAP_SERVERS=kafka_proxy.address)
    consumer.await_status(200, 30)
    held = kafka_proxy.hold(OFFSET_COMMIT)
    feed.produce(300)
    assert held.wait(10)
    stored = fresh.count()
    assert stored > 0, "the database has the batch"
    assert fresh.lag() >= stored, "the broker does not know"
    consumer.kill()
    kafka_proxy.heal()
    consumer.start()
    fresh.check_set(feed)


def test_a_batch_that_was_frozen_never_overwrites_what_was_stored_meanwhile(
    fresh: Stack, feed: Feed
) -> None:
    first, *later = versions(orders(3, 1)[0], 4)
    with TcpProxy(lambda: fresh.postgres.port) as frozen_wire:
        slow = fresh.consumer(POSTGRES_PORT=str(frozen_wire.port))
        slow.await_status(200, 30)
        frozen_wire.hang()
        feed.send([first])  # its INSERT leaves the process and is stuck on the wire
        eventually(lambda: slow.part("consumer").get("lag") == 1, 10, "the batch is taken")
        slow.suspend()
        fresh.consumer()
        feed.send(later)
        eventually(lambda: track_numbers(fresh) == {"VERSION3"}, 20, "the newest is stored")
        frozen_wire.heal()
        slow.resume()
        feed.produce(200)
        slow.await_status(200, 20)
        assert fresh.check_set(feed).rows > 1
    assert "VERSION3" in track_numbers(fresh)


def test_a_repeated_order_counts_as_newer_than_what_stood_between(fresh: Stack, feed: Feed) -> None:
    """Old, other, old again: a frozen consumer that comes back with `other` must not win."""
    old, other = versions(orders(4, 1)[0], 2)
    with TcpProxy(lambda: fresh.postgres.port) as frozen_wire:
        normal = fresh.consumer()
        normal.await_status(200, 30)
        feed.send([old])
        fresh.await_drained()
        normal.stop()
        slow = fresh.consumer(POSTGRES_PORT=str(frozen_wire.port))
        slow.await_status(200, 30)
        frozen_wire.hang()
        feed.send([other])
        eventually(lambda: slow.part("consumer").get("lag") == 1, 10, "the batch is taken")
        slow.suspend()
        feed.send([old])  # the next owner reads both at once, and the last one wins
        normal.start()
        fresh.await_drained()
        frozen_wire.heal()
        slow.resume()
        slow.await_status(200, 20)
        eventually(lambda: slow.metric("order_service_messages_total") > 0, 20, "it goes on")
        fresh.check_set(feed)


def test_consumers_that_come_and_go_lose_nothing(fresh: Stack, feed: Feed) -> None:
    feed.flow(1500)
    crew = [fresh.consumer(), fresh.consumer()]
    for round_number in range(4):
        leaving = crew[round_number % 2]
        leaving.await_status(200, 40)
        fresh.await_rows(fresh.count() + 1)
        if round_number % 2:
            leaving.kill()
        else:
            assert leaving.stop() == 0
        leaving.start()
    fresh.check_set(feed)


def test_sigterm_under_load_ends_a_consumer_at_once_and_loses_nothing(
    fresh: Stack, feed: Feed
) -> None:
    consumer = fresh.consumer()
    feed.flow(3000)
    for _ in range(2):
        consumer.await_status(200, 40)
        fresh.await_rows(fresh.count() + 1)
        assert consumer.stop() == 0
        consumer.start()
    fresh.check_set(feed)
