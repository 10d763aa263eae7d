"""Publishes dead letters to a Kafka topic: the original key and bytes, and headers that say why."""

from collections.abc import Callable, Sequence

import msgspec
import structlog
from kafka.errors import KafkaError

from order_service.infra.kafka.producer import AcknowledgedProducer, Record, RecordsTooLargeError
from order_service.messaging.envelope import TRACEPARENT
from order_service.messaging.errors import DeadLettersUnavailableError
from order_service.messaging.ports import DeadLetter

from .record import (
    BODY_NULL,
    BODY_OMITTED,
    FAULTS,
    KEY_OMITTED,
    ORIGINAL,
    REASON,
    REPLAYED_FROM,
    SOURCE_OFFSET,
    SOURCE_PARTITION,
    SOURCE_TIMESTAMP,
    SOURCE_TOPIC,
)

_log = structlog.get_logger(__name__)

_MAX_FAULTS_BYTES = 16 * 1024
"""Bound of the faults header: a message of thousands of bad items has as many faults."""

_MAX_CUT_KEY_BYTES = 4 * 1024
"""Longest key of a letter that had to be cut."""

_NOT_KEPT = frozenset({REPLAYED_FROM, TRACEPARENT})
"""Headers of a message that are another's if it is published again."""


class KafkaDeadLetters:
    """Implements :class:`ports.DeadLetters`.

    A letter that is larger than its topic admits is published without its body, with the
    header ``body-omitted``: it still says where the original stands and what is wrong
    with it, and everything behind it goes on.

    Args:
        producer: Publishes and waits for the acknowledgements.
        topic: Name of the dead-letter topic.
    """

    def __init__(self, producer: AcknowledgedProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    def publish(self, letters: Sequence[DeadLetter]) -> None:
        """See :meth:`ports.DeadLetters.publish`."""
        try:
            self._publish(letters, self._whole)
        except RecordsTooLargeError as error:
            self._publish_apart([letters[index] for index in error.indices])

    def _publish_apart(self, letters: Sequence[DeadLetter]) -> None:
        """Publish letters of which some are too large, and cut those that are.

        Each refusal costs a new connection. From the smallest on, the first one that is
        refused alone tells of all behind it.
        """
        ascending = sorted(letters, key=lambda letter: _size(self._whole(letter)))
        for index, letter in enumerate(ascending):
            try:
                self._publish([letter], self._whole)
            except RecordsTooLargeError:
                self._publish_cut(ascending[index:])
                return

    def _publish_cut(self, letters: Sequence[DeadLetter]) -> None:
        _log.error(
            "dead letters are larger than their topic admits, their bodies are omitted",
            topic=self._topic,
            positions=[_position(letter) for letter in letters],
        )
        try:
            # One by one, or the client would make batches that may be too large again.
            for letter in letters:
                self._publish([letter], self._cut)
        except RecordsTooLargeError as error:
            # The topic admits next to nothing: only a person can help.
            raise DeadLettersUnavailableError(str(error)) from error

    def _publish(
        self, letters: Sequence[DeadLetter], record_of: Callable[[DeadLetter], Record]
    ) -> None:
        try:
            self._producer.publish([record_of(letter) for letter in letters])
        except KafkaError as error:
            raise DeadLettersUnavailableError(repr(error)) from error

    def _whole(self, letter: DeadLetter) -> Record:
        message, headers = letter.message, [*_headers(letter), *_originals(letter)]
        if message.key is None and message.value is None:
            # The client publishes no record with neither.
            headers.append((BODY_NULL, b"true"))
            return Record(self._topic, None, b"", headers)
        return Record(self._topic, message.key, message.value, headers)

    def _cut(self, letter: DeadLetter) -> Record:
        key, headers = letter.message.key, _headers(letter)
        headers.append((BODY_OMITTED, b"%d" % len(letter.message.value or b"")))
        if key is not None and len(key) > _MAX_CUT_KEY_BYTES:
            headers.append((KEY_OMITTED, b"%d" % len(key)))
            key = None
        return Record(self._topic, key, b"", headers)


def _size(record: Record) -> int:
    """Return about the bytes that `record` takes."""
    headers = sum(len(name) + len(value) for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers


def _position(letter: DeadLetter) -> str:
    message = letter.message
    return f"{message.topic}/{message.partition}/{message.offset}"


def _headers(letter: DeadLetter) -> list[tuple[str, bytes]]:
    message = letter.message
    return [
        (REASON, letter.reason.encode()),
        (FAULTS, _faults(letter)),
        (SOURCE_TOPIC, message.topic.encode()),
        (SOURCE_PARTITION, b"%d" % message.partition),
        (SOURCE_OFFSET, b"%d" % message.offset),
        (SOURCE_TIMESTAMP, b"%d" % message.timestamp),
    ]


def _originals(letter: DeadLetter) -> list[tuple[str, bytes]]:
    """Return the message's own headers, without which some messages cannot be read."""
    return [
        (f"{ORIGINAL}{name}", value)
        for name, value in letter.message.headers
        if value is not None and name not in _NOT_KEPT
    ]


def _faults(letter: DeadLetter) -> bytes:
    faults = msgspec.json.encode(letter.faults)
    if len(faults) > _MAX_FAULTS_BYTES:
        fields = ", ".join(map(str, letter.faults))
        return msgspec.json.encode({"_message": [f"Too many faults to list, in: {fields}"]})
    return faults
