"""How fast a consumer stores what waits in the topic, whoever wrote it.

The clock starts when the consumer's first rows are visible, so that starting Python and
joining the group count for nobody.
"""

import time
from collections.abc import Callable
from typing import LiteralString

from confluent_kafka import Consumer, TopicPartition

from benchmarks.stack import TOPIC, Stack, await_that

_LOOK_S = 0.05


class Watch:
    """Looks at a table and at the offsets of a group."""

    def __init__(self, stack: Stack, group: str, table: LiteralString) -> None:
        self._connection = stack.connect()
        self._any: LiteralString = "TABLE " + table + " LIMIT 1"
        self._count: LiteralString = "SELECT count(*) FROM " + table  # noqa: S608 - our own names
        servers = stack.environment()["KAFKA_BOOTSTRAP_SERVERS"]
        self._kafka = Consumer({"bootstrap.servers": servers, "group.id": group})
        partitions = self._kafka.list_topics(TOPIC, timeout=10).topics[TOPIC].partitions
        self._partitions = [TopicPartition(TOPIC, number) for number in partitions]

    def has_rows(self) -> bool:
        """Whether anything is stored."""
        return self._connection.execute(self._any).fetchone() is not None

    def rows(self) -> int:
        """Return how many orders are stored."""
        row = self._connection.execute(self._count).fetchone()
        return int(str(row[0])) if row else 0

    def committed(self) -> int:
        """Return how many messages of the topic the group has committed."""
        positions = self._kafka.committed(self._partitions, timeout=10)
        return sum(max(0, position.offset) for position in positions)

    def close(self) -> None:
        """Let go of the connections."""
        self._kafka.close()
        self._connection.close()


def measure(
    stack: Stack, module: tuple[str, ...], table: LiteralString, until: Callable[[Watch, int], bool]
) -> float:
    """Run a consumer on the topic with a group of its own; return the orders a second.

    Args:
        stack: With the topic filled.
        module: The consumer, as `python -m` has it.
        table: Where its orders go; it is empty, or only grows by this consumer.
        until: Told the watch and the rows before the start; returns once the run is over.
    """
    group = f"bench-{stack.number()}"
    watch = Watch(stack, group, table)
    before = watch.rows()
    with stack.process(*module, settings={"KAFKA_GROUP_ID": group}):
        await_that(lambda: watch.rows() > before if before else watch.has_rows(), "a first row")
        began, first = time.perf_counter(), watch.rows()
        until(watch, before)
        elapsed, last = time.perf_counter() - began, watch.rows()
    watch.close()
    return (last - first) / elapsed


def service_rate(stack: Stack, messages: int, *, keep: bool = False) -> float:
    """Return the rate of `order-service consume` from its first stored batch to the end.

    The end: all `messages` of the topic are stored and their offsets committed. `keep` leaves
    the orders that are stored already where they are.
    """
    if not keep:
        stack.empty()

    def until(watch: Watch, before: int) -> bool:
        patience = 60 + messages / 500
        await_that(lambda: _all_committed(watch, messages), "all is committed", patience)
        if watch.rows() - before != messages:
            raise RuntimeError(f"{watch.rows() - before} of {messages} orders are stored")
        return True

    return measure(stack, ("order_service", "consume"), "orders.orders", until)


def _all_committed(watch: Watch, messages: int) -> bool:
    time.sleep(_LOOK_S)
    return watch.committed() >= messages
