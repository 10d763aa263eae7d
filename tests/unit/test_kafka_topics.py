"""Which messages of an outbox a topic refuses, found out from what the client raises."""

from collections.abc import Callable, Collection, Sequence

import pytest
from kafka.errors import (
    InvalidRecordError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    TopicAuthorizationFailedError,
)

from order_service.infra.kafka.producer import AcknowledgedProducer, Record, RecordsTooLargeError
from order_service.messaging.errors import TopicsUnavailableError
from order_service.messaging.outbox.kafka_topics import KafkaTopics
from tests.fakes import Clock
from tests.unit.messaging_fakes import pending

Verdict = Callable[[Sequence[Record]], None]


class Producer(AcknowledgedProducer):
    """Refuses what `verdict` refuses."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(_no_connection)
        self._verdict = verdict
        self.published: list[Record] = []
        self.calls = 0

    def publish(self, records: Sequence[Record]) -> None:
        self.calls += 1
        self._verdict(records)
        self.published += records

    @property
    def bodies(self) -> list[bytes | None]:
        return [record.value for record in self.published]


def _no_connection() -> object:
    raise AssertionError("nothing is sent")


def topics_on(
    verdict: Verdict, existing: Collection[str] = ("t", "u"), clock: Clock | None = None
) -> tuple[KafkaTopics, Producer]:
    producer = Producer(verdict)
    return KafkaTopics(producer, lambda: existing, clock or Clock()), producer


def test_headers_are_published_with_key_and_body() -> None:
    topics, producer = topics_on(lambda _: None)
    message = pending(1, b"k", b"v")
    assert topics.publish([message]) == {}
    headers = [(name, text.encode()) for name, text in message.headers.items()]
    assert producer.published == [Record("t", b"k", b"v", headers)]


def test_no_messages_are_no_call() -> None:
    topics, producer = topics_on(lambda _: None)
    assert topics.publish([]) == {}
    assert producer.calls == 0


def too_large(records: Sequence[Record]) -> None:
    indices = [index for index, record in enumerate(records) if len(record.value or b"") > 3]
    if indices:
        raise RecordsTooLargeError(indices)


def test_what_is_too_large_is_refused_alone() -> None:
    topics, _ = topics_on(too_large)
    found = topics.publish([pending(1, b"a", b"12"), pending(2, b"b", b"1234")])
    assert list(found) == [2]
    assert "larger than the topic admits" in found[2]


def test_what_failed_together_with_a_large_one_is_published_alone() -> None:
    def verdict(records: Sequence[Record]) -> None:
        if len(records) > 1:
            raise RecordsTooLargeError(range(len(records)))
        too_large(records)

    topics, producer = topics_on(verdict)
    found = topics.publish([pending(number, b"a", b"1" * number) for number in (1, 2, 4)])
    assert list(found) == [4]
    assert producer.bodies == [b"1", b"11"]


def test_a_topic_that_may_not_be_written_is_refused_as_a_whole_and_no_other() -> None:
    def verdict(records: Sequence[Record]) -> None:
        if any(record.topic == "t" for record in records):
            raise TopicAuthorizationFailedError

    topics, producer = topics_on(verdict)
    messages = [pending(number, b"%d" % number) for number in range(100)]
    found = topics.publish([*messages, pending(100, topic="u")])
    assert sorted(found) == list(range(100))
    assert [record.topic for record in producer.published] == ["u"]
    assert producer.calls == 3


def test_a_record_that_is_invalid_is_found_among_many() -> None:
    def verdict(records: Sequence[Record]) -> None:
        if any(record.value == b"bad" for record in records):
            raise InvalidRecordError

    topics, producer = topics_on(verdict)
    messages = [pending(number, b"%d" % number, b"good") for number in range(20)]
    messages[7] = messages[7]._replace(value=b"bad")
    assert list(topics.publish(messages)) == [7]
    assert producer.bodies == [b"good"] * 19


def test_all_of_a_key_is_refused_with_an_invalid_record_of_it() -> None:
    """What is behind it must not go before it."""

    def verdict(records: Sequence[Record]) -> None:
        if any(record.value == b"bad" for record in records):
            raise InvalidRecordError

    topics, _ = topics_on(verdict)
    messages = [pending(1, b"a", b"bad"), pending(2, b"b"), pending(3, b"a")]
    assert sorted(topics.publish(messages)) == [1, 3]


@pytest.mark.parametrize("error", [KafkaTimeoutError(), KafkaConnectionError()])
def test_brokers_that_are_away_refuse_nothing(error: KafkaError) -> None:
    def verdict(_: Sequence[Record]) -> None:
        raise error

    topics, _ = topics_on(verdict)
    with pytest.raises(TopicsUnavailableError):
        topics.publish([pending(1)])


def test_brokers_that_say_not_even_which_topics_there_are_refuse_nothing() -> None:
    def away(*_: object) -> None:
        raise KafkaTimeoutError

    topics = KafkaTopics(Producer(away), away, Clock())  # type: ignore[arg-type]
    with pytest.raises(TopicsUnavailableError):
        topics.publish([pending(1)])


def test_a_topic_that_does_not_exist_is_waited_for_once_and_looked_for_again_later() -> None:
    def verdict(records: Sequence[Record]) -> None:
        if any(record.topic == "absent" for record in records):
            raise KafkaTimeoutError

    clock, existing = Clock(), ["t"]
    topics, producer = topics_on(verdict, existing, clock)
    messages = [pending(1, topic="absent"), pending(2)]
    assert topics.publish(messages) == {1: "there is no topic absent"}
    assert producer.calls == 2
    assert list(topics.publish(messages)) == [1]
    assert producer.calls == 3, "it was waited for again"
    existing.append("absent")
    clock.now += 60
    with pytest.raises(TopicsUnavailableError):
        topics.publish(messages)
