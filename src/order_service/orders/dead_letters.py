"""Dead letters on a Kafka topic: the original key and bytes, and headers that say why."""

from collections.abc import Sequence

import msgspec
from kafka.errors import KafkaError

from order_service.infra.kafka_producer import AcknowledgedProducer, Record

from .errors import DeadLettersUnavailableError
from .ports import DeadLetter

_MAX_FAULTS_BYTES = 16 * 1024
"""Bound of the faults header: an order of thousands of bad items has as many faults."""


class KafkaDeadLetters:
    """Implements :class:`ports.DeadLetters`.

    Args:
        producer: Publishes and waits for the acknowledgements.
        topic: Name of the dead-letter topic.
    """

    def __init__(self, producer: AcknowledgedProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    def publish(self, letters: Sequence[DeadLetter]) -> None:
        """See :meth:`ports.DeadLetters.publish`."""
        records = [
            Record(self._topic, letter.message.key, letter.message.value, _headers(letter))
            for letter in letters
        ]
        try:
            self._producer.publish(records)
        except KafkaError as error:
            raise DeadLettersUnavailableError(repr(error)) from error


def _headers(letter: DeadLetter) -> list[tuple[str, bytes]]:
    message = letter.message
    return [
        ("reason", letter.reason.encode()),
        ("faults", _faults(letter)),
        ("source-topic", message.topic.encode()),
        ("source-partition", b"%d" % message.partition),
        ("source-offset", b"%d" % message.offset),
        ("source-timestamp", b"%d" % message.timestamp),
    ]


def _faults(letter: DeadLetter) -> bytes:
    faults = msgspec.json.encode(letter.faults)
    if len(faults) > _MAX_FAULTS_BYTES:
        fields = ", ".join(map(str, letter.faults))
        return msgspec.json.encode({"_message": [f"Too many faults to list, in: {fields}"]})
    return faults
