"""A member of the group goes on polling whatever the library lets through."""

from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaConnectionError

from order_service.infra.kafka.lag_probe import LagProbe
from order_service.infra.kafka.member import GroupMember
from order_service.infra.kafka.offset_tracker import OffsetTracker
from order_service.infra.kafka.progress import ConsumerProgress
from order_service.infra.kafka.timing import Timing
from order_service.infra.kafka.topic import Subscription
from order_service.metrics import ConsumerMetrics, Registry

PARTITION = TopicPartition("orders", 0)


class Client:
    """A KafkaConsumer whose polls answer, or raise, what is given."""

    def __init__(self, *answers: Any) -> None:  # noqa: ANN401 - records or an error
        self._answers = list(answers)
        self.ends: dict[TopicPartition, int | None] = {}
        self.positions: dict[TopicPartition, int] = {}
        self._cluster = SimpleNamespace(topic_id=lambda _: None)
        self._coordinator = SimpleNamespace(rejoining=False, need_rejoin=lambda: False)

    def poll(self, timeout_ms: int) -> Any:  # noqa: ANN401, ARG002
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def assignment(self) -> set[TopicPartition]:
        return set(self.ends)

    def highwater(self, partition: TopicPartition) -> int | None:
        return self.ends[partition]

    def position(self, partition: TopicPartition, timeout_ms: int) -> int:  # noqa: ARG002
        return self.positions[partition]

    def committed(self, partition: TopicPartition, timeout_ms: int) -> None:
        """Nothing is committed yet."""


def member_of(client: Client, **options: Any) -> GroupMember:  # noqa: ANN401 - as GroupMember has them
    observer = ConsumerMetrics(Registry(), Subscription("orders", "group"))
    return GroupMember(client, "orders", ConsumerProgress(observer), Timing(), **options)


@pytest.mark.parametrize(
    ("ends", "waiting"),
    [({0: 5, 1: 0}, False), ({0: 6, 1: 0}, True), ({0: 5, 1: None}, True)],
    ids=["all read", "one behind", "one not known yet"],
)
def test_more_waits_where_a_partition_is_behind_or_not_known(
    *, ends: dict[int, int | None], waiting: bool
) -> None:
    client = Client()
    client.ends = {TopicPartition("orders", number): end for number, end in ends.items()}
    client.positions = {PARTITION: 5, TopicPartition("orders", 1): 0}
    assert member_of(client).more_waiting() is waiting


def test_a_poll_that_raises_is_waited_out_and_the_next_one_delivers() -> None:
    record = SimpleNamespace(offset=7)
    client = Client(KafkaConnectionError("refused"), {PARTITION: [record]})
    waits: list[float] = []
    member = member_of(client, sleep=waits.append)
    assert member.poll(0.1) == []
    assert waits == [0.5]
    assert member.poll(0.1) == [record]


class Measured:
    """A KafkaConsumer that tells where its partitions end, and remembers that it was asked."""

    def __init__(self) -> None:
        self.assigned: set[TopicPartition] = set()
        self.asked: list[list[TopicPartition]] = []

    def assignment(self) -> set[TopicPartition]:
        return set(self.assigned)

    def subscription(self) -> set[str]:
        return {"orders"}

    def end_offsets(
        self,
        partitions: list[TopicPartition],
        timeout_ms: int,  # noqa: ARG002
    ) -> dict[TopicPartition, int]:
        self.asked.append(partitions)
        return dict.fromkeys(partitions, 7)

    def position(self, partition: TopicPartition, timeout_ms: int) -> int:  # noqa: ARG002
        return 5


def test_the_lag_is_measured_at_once_when_the_partitions_are_others() -> None:
    observer = ConsumerMetrics(Registry(), Subscription("orders", "group"))
    consumer, offsets, progress = Measured(), OffsetTracker(), ConsumerProgress(observer)
    probe = LagProbe(consumer, offsets, progress, Timing(lag_probe=1000.0))
    probe.if_due()
    assert consumer.asked == []  # the group has not let it in yet
    offsets.keep(set())
    for assigned in ({PARTITION}, {PARTITION}, set[TopicPartition](), set[TopicPartition]()):
        consumer.assigned = assigned
        probe.if_due()
        assert progress.snapshot().partitions == len(assigned)
    assert len(consumer.asked) == 2
