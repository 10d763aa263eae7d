"""What a consumer reads, and as whom."""

from typing import NamedTuple


class Subscription(NamedTuple):
    """One topic as read by one consumer group: it names a consumption in metrics, logs, traces.

    Attributes:
        topic: What is read.
        group: The group whose members share its partitions and whose offsets are committed.
    """

    topic: str
    group: str
