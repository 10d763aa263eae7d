"""The source of records goes on polling whatever the library lets through."""

from types import SimpleNamespace
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaConnectionError

from order_service.infra.consumer_progress import ConsumerProgress
from order_service.infra.kafka_source import RecordSource
from order_service.infra.offset_ledger import OffsetLedger
from order_service.metrics import Metrics

PARTITION = TopicPartition("orders", 0)


class Client:
    """A KafkaConsumer whose polls answer, or raise, what is given."""

    def __init__(self, *answers: Any) -> None:  # noqa: ANN401 - records or an error
        self._answers = list(answers)
        self._cluster = SimpleNamespace(topic_id=lambda _: None)
        self._coordinator = SimpleNamespace(rejoining=False, need_rejoin=lambda: False)

    def poll(self, timeout_ms: int) -> Any:  # noqa: ANN401, ARG002
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def committed(self, partition: TopicPartition, timeout_ms: int) -> None:
        """Nothing is committed yet."""


def test_a_poll_that_raises_is_waited_out_and_the_next_one_delivers() -> None:
    record = SimpleNamespace(offset=7)
    client = Client(KafkaConnectionError("refused"), {PARTITION: [record]})
    waits: list[float] = []
    source = RecordSource(
        client,
        "orders",
        ledger=OffsetLedger(),
        progress=ConsumerProgress(),
        observer=Metrics().consumer,
        timeout=1.0,
        sleep=waits.append,
    )
    assert source.poll(0.1) == []
    assert waits == [0.5]
    assert source.poll(0.1) == [record]
