"""Publishes messages of an outbox to Kafka, and finds out which of them a topic refuses."""

import contextlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from kafka.errors import (
    InvalidRecordError,
    InvalidTimestampError,
    InvalidTopicError,
    KafkaError,
    PolicyViolationError,
    TopicAuthorizationFailedError,
)

from order_service.infra.kafka.producer import AcknowledgedProducer, Record, RecordsTooLargeError
from order_service.messaging.errors import TopicsUnavailableError

from .ports import PendingMessage

_OF_THE_TOPIC = (TopicAuthorizationFailedError, InvalidTopicError, PolicyViolationError)
_OF_A_RECORD = (InvalidRecordError, InvalidTimestampError)

_ABSENT_FOR = 10.0
"""Seconds for which a topic that does not exist is not looked for again."""

Errors = dict[int, str]
"""Id of a message to why its topic refuses it."""


class KafkaTopics:
    """Implements :class:`ports.Topics`.

    Args:
        producer: Publishes and waits for the acknowledgements.
        existing: Returns the names of all topics. Raises KafkaError.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        producer: AcknowledgedProducer,
        existing: Callable[[], Collection[str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._producer = producer
        self._existing = existing
        self._clock = clock
        self._absent: set[str] = set()
        self._look_at = 0.0

    def publish(self, messages: Sequence[PendingMessage]) -> Mapping[int, str]:
        """See :meth:`ports.Topics.publish`."""
        if self._absent and self._clock() >= self._look_at:
            self._look_for(self._absent)
        # The client would wait long for a topic that is not there, and all others with it.
        refused = {
            message.id: f"there is no topic {message.topic}"
            for message in messages
            if message.topic in self._absent
        }
        return refused | self._publish([each for each in messages if each.id not in refused])

    def close(self) -> None:
        """See :meth:`ports.Topics.close`."""
        self._producer.close()

    def _publish(self, messages: Sequence[PendingMessage]) -> Errors:
        if not messages:
            return {}
        try:
            self._producer.publish([_record(message) for message in messages])
        except RecordsTooLargeError as error:
            return self._publish_apart([messages[index] for index in error.indices], error)
        except _OF_THE_TOPIC as error:
            groups = _by(messages, lambda message: message.topic)
            return self._each(groups, repr(error))
        except _OF_A_RECORD as error:
            return self._each(_halves(messages), repr(error))
        except KafkaError as error:
            return self._without_absent(messages, error)
        return {}

    def _publish_apart(
        self, suspects: Sequence[PendingMessage], error: RecordsTooLargeError
    ) -> Errors:
        """Publish one by one what failed together with a record that is too large."""
        return self._each([[suspect] for suspect in suspects], str(error))

    def _each(self, groups: Sequence[Sequence[PendingMessage]], error: str) -> Errors:
        """Publish groups of messages, of which one at least was refused for `error`."""
        if len(groups) == 1:
            return dict.fromkeys((message.id for message in groups[0]), error)
        refused: Errors = {}
        for group in groups:
            refused |= self._publish(group)
        return refused

    def _without_absent(self, messages: Sequence[PendingMessage], error: KafkaError) -> Errors:
        """Publish what was not acknowledged without that whose topic does not exist."""
        topics = {message.topic for message in messages}
        self._look_for(self._absent | topics)
        if not topics & self._absent:
            raise TopicsUnavailableError(repr(error)) from error
        return dict(self.publish(messages))

    def _look_for(self, topics: Collection[str]) -> None:
        """Find out which of `topics` do not exist; that brokers do not answer says nothing."""
        self._look_at = self._clock() + _ABSENT_FOR
        with contextlib.suppress(KafkaError):
            self._absent = set(topics).difference(self._existing())


def _record(message: PendingMessage) -> Record:
    headers = [(name, text.encode()) for name, text in message.headers.items()]
    return Record(message.topic, message.key, message.value, headers)


def _by(
    messages: Sequence[PendingMessage], name: Callable[[PendingMessage], object]
) -> list[list[PendingMessage]]:
    groups: dict[object, list[PendingMessage]] = {}
    for message in messages:
        groups.setdefault(name(message), []).append(message)
    return list(groups.values())


def _halves(messages: Sequence[PendingMessage]) -> list[Sequence[PendingMessage]]:
    """Return two halves that share no key; a single key is one group, refused as a whole."""
    keys = _by(messages, lambda message: (message.topic, message.key))
    if len(keys) == 1:
        return [messages]
    half = len(keys) // 2
    return [_flat(keys[:half]), _flat(keys[half:])]


def _flat(keys: Sequence[Sequence[PendingMessage]]) -> list[PendingMessage]:
    return [message for key in keys for message in key]
