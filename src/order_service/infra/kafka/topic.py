"""Topics, as whoever uses them describes them."""

from collections.abc import Iterable
from typing import NamedTuple


class Topic(NamedTuple):
    """A Kafka topic that is read or written.

    Attributes:
        name: Its name.
        operations: What we must be allowed to do with it: ``Read``, ``Write``.
        group: The consumer group that reads it; empty if nobody of ours does.
        max_bytes: Largest record that it must admit; 0 for the broker's default.
        partitions: Where a server of `run` has it; 0 for as many as the configuration says.
    """

    name: str
    operations: tuple[str, ...]
    group: str = ""
    max_bytes: int = 0
    partitions: int = 0


class Subscription(NamedTuple):
    """One topic as read by one consumer group: it names a consumption in metrics, logs, traces.

    Attributes:
        topic: What is read.
        group: The group whose members share its partitions and whose offsets are committed.
    """

    topic: str
    group: str


def merged(topics: Iterable[Topic]) -> list[Topic]:
    """Return each topic once, with all that is done with it; the first one says the rest."""
    found: dict[str, Topic] = {}
    for topic in topics:
        known = found.setdefault(topic.name, topic)
        operations = tuple(dict.fromkeys((*known.operations, *topic.operations)))
        found[topic.name] = known._replace(operations=operations)
    return list(found.values())
