"""Memory stays flat, however long the backlog and however bad the messages."""

import pytest

from producer.generator import Mix
from producer.message import Message
from tests.chaos.feed import Feed, orders
from tests.chaos.service import Service
from tests.chaos.stack import Stack
from tests.waiting import eventually

pytestmark = pytest.mark.apache_kafka

MEBIBYTE = 1024 * 1024
GROWTH = 128 * MEBIBYTE
"""Two batches of 8 MiB, decoded and encoded, and what the client fetches ahead."""


def test_a_long_backlog_does_not_grow_the_consumer(fresh: Stack) -> None:
    fresh.create_topics()
    consumer = fresh.consumer()
    with fresh.feed() as feed:
        consumer.await_status(200, 30)
        baseline = consumer.memory()
        assert consumer.stop() == 0
        some = orders(41, 5_000)
        for _ in range(10):
            feed.send(some)
        consumer.start()
        assert _peak(fresh, consumer) - baseline < GROWTH
        fresh.check_set(feed)


def test_a_poisoned_topic_and_giants_do_not_grow_the_consumer(fresh: Stack) -> None:
    consumer = fresh.consumer()
    consumer.await_status(200, 30)
    baseline = consumer.memory()
    with Feed(fresh.options, fresh.topic, 42, Mix(invalid=1.0)) as feed:
        feed.produce(5_000)
        pad = b" " * (900 * 1024)
        giants = [m.value + pad for m in orders(43, 60)]
        feed.send(Message(b"giant", value, valid=True, kind="order") for value in giants)
        assert _peak(fresh, consumer) - baseline < GROWTH
        fresh.check_set(feed)


def _peak(stack: Stack, consumer: Service) -> int:
    """Return the consumer's largest memory until the topic is drained."""
    seen: list[int] = []
    with stack.watching_lag() as lag:

        def drained() -> bool:
            seen.append(consumer.memory())
            return lag() == 0

        eventually(drained, 90, "the backlog is consumed")
    return max(seen)
