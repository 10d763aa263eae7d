"""Publishes replays with Kafka, and marks them as done in the dead-letter topic."""

from collections.abc import Collection, Sequence

from kafka.errors import KafkaError

from order_service.infra.kafka.producer import AcknowledgedProducer, Record, RecordsTooLargeError
from order_service.messaging.errors import DeadLettersUnavailableError

from .record import REPLAYED, REPLAYED_FROM, LetterId
from .replay import Resent


class KafkaOutlet:
    """Implements :class:`replay.Outlet`.

    Args:
        producer: Publishes and waits for the acknowledgements.
        dead_letter_topic: Where the marks go.
        topic: Where letters go that do not tell their topic.
    """

    def __init__(self, producer: AcknowledgedProducer, dead_letter_topic: str, topic: str) -> None:
        self._producer = producer
        self._dead_letter_topic = dead_letter_topic
        self._topic = topic

    def publish(self, messages: Sequence[Resent]) -> Collection[LetterId]:
        """See :meth:`replay.Outlet.publish`."""
        try:
            refused = self._send(messages)
            sent = [message for message in messages if message.letter.id not in refused]
            self._producer.publish([self._mark(message) for message in sent])
        except (KafkaError, RecordsTooLargeError) as error:
            raise DeadLettersUnavailableError(repr(error)) from error
        return refused

    def _send(self, messages: Sequence[Resent]) -> set[LetterId]:
        try:
            self._producer.publish([self._original(message) for message in messages])
        except RecordsTooLargeError as error:
            suspects = [messages[index] for index in error.indices]
            if len(messages) == 1:
                return {messages[0].letter.id}
            # What failed together with a large one may well go alone.
            return set().union(*(self._send([suspect]) for suspect in suspects))
        return set()

    def _original(self, message: Resent) -> Record:
        topic = message.letter.source_topic or self._topic
        origin = (REPLAYED_FROM, str(message.letter.id).encode())
        headers = [*message.letter.original_headers, origin]
        return Record(topic, message.key, message.body, headers)

    def _mark(self, message: Resent) -> Record:
        letter = str(message.letter.id).encode()
        partition = message.letter.id.partition
        headers = [(REPLAYED, letter)]
        return Record(self._dead_letter_topic, letter, None, headers, partition=partition)
