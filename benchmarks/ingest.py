"""How fast a consumer stores what waits in a topic.

The clock starts with the consumer's first stored batch, so that starting Python and joining
the group count for nobody.
"""

import time
from collections.abc import Mapping

from confluent_kafka import Consumer, KafkaException, TopicPartition

from benchmarks.stack import TOPIC, Process, Stack, await_that

LOOK_S = 0.05


class Group:
    """The committed offsets of a consumer group, seen from outside."""

    def __init__(self, stack: Stack, group: str, topic: str) -> None:
        servers = stack.environment()["KAFKA_BOOTSTRAP_SERVERS"]
        self._kafka = Consumer({"bootstrap.servers": servers, "group.id": group, "log_level": 0})
        partitions = self._kafka.list_topics(topic, timeout=10).topics[topic].partitions
        self._partitions = [TopicPartition(topic, number) for number in partitions]

    def committed(self) -> int:
        """Return how many messages of the topic are committed; 0 if that is not known yet."""
        try:
            positions = self._kafka.committed(self._partitions, timeout=10)
        except KafkaException:  # the group is new and has no coordinator yet
            return 0
        return sum(max(0, position.offset) for position in positions)

    def await_more_than(self, count: int, process: Process, timeout: float) -> tuple[int, float]:
        """Wait until more than `count` are committed; return how many, and the time."""
        seen = 0

        def more() -> bool:
            nonlocal seen
            time.sleep(LOOK_S)
            seen = self.committed()
            return process.is_alive() and seen > count

        await_that(more, "offsets are committed", timeout)
        return seen, time.perf_counter()

    def close(self) -> None:
        """Let go of the broker."""
        self._kafka.close()


def settings_of_run(stack: Stack, topic: str) -> Mapping[str, str]:
    """Return the settings of a consumer that reads the topic from its beginning."""
    return {"ORDERS_GROUP_ID": f"bench-{stack.number()}", "ORDERS_TOPIC": topic}


def service_rate(stack: Stack, messages: int, topic: str = TOPIC) -> float:
    """Return the orders a second of `order-service consume`, with default settings.

    From the first commit of offsets, which says that a batch is stored, to the last one. The
    topic holds `messages` orders that are not stored yet; afterwards all of them are.
    """
    settings = settings_of_run(stack, topic)
    group = Group(stack, settings["ORDERS_GROUP_ID"], topic)
    before = stack.rows()
    with stack.process("order_service", "consume", settings=settings) as consumer:
        first, began = group.await_more_than(0, consumer, 60)
        last, ended = group.await_more_than(messages - 1, consumer, 60 + messages / 200)
    group.close()
    if stack.rows() - before != messages:
        raise RuntimeError(f"{stack.rows() - before} of {messages} orders are stored")
    if first == last:
        raise RuntimeError("everything was stored at once: too few orders to measure")
    return (last - first) / (ended - began)
