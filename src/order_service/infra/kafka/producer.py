"""Publishing that is done only when the brokers have acknowledged it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from kafka.future import Future

_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)


class Record(NamedTuple):
    """One record to publish."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    partition: int | None = None


class RecordsTooLargeError(Exception):
    """The topic takes no records of some size; all others of the batch are acknowledged.

    Attributes:
        indices: Records that are too large, or were refused together with one that is.
    """

    def __init__(self, indices: Sequence[int]) -> None:
        super().__init__(f"{len(indices)} records are larger than the topic admits")
        self.indices = indices


class AcknowledgedProducer:
    """Publishes batches and waits for every acknowledgement.

    Args:
        connect: Makes the producer; called on first use and again after a failure,
            because a producer whose batch failed for good may be unusable.
        timeout: Longest wait for the acknowledgements of one batch, in seconds.
    """

    def __init__(self, connect: Callable[[], KafkaProducer], timeout: float = 15.0) -> None:
        self._connect = connect
        self._timeout = timeout
        self._producer: KafkaProducer | None = None

    def publish(self, records: Sequence[Record]) -> None:
        """Publish `records` and block until all are acknowledged by all in-sync replicas.

        Raises:
            RecordsTooLargeError: Some were refused for a size; all others are.
            KafkaError: Some are not known to be; publishing all again is safe for
                readers that bear duplicates.
        """
        try:
            self._publish(self._open(), records)
        except (KafkaError, RecordsTooLargeError):
            # An idempotent producer takes even a refused size for the end of its session.
            self.close()
            raise

    def _open(self) -> KafkaProducer:
        if self._producer is None:
            self._producer = self._connect()
        return self._producer

    def _publish(self, producer: KafkaProducer, records: Sequence[Record]) -> None:
        futures = [_send(producer, record) for record in records]
        producer.flush(timeout=self._timeout)
        too_large = [index for index, future in enumerate(futures) if not _acknowledged(future)]
        if too_large:
            raise RecordsTooLargeError(too_large)

    def close(self) -> None:
        """Close the connection; a later `publish` opens another."""
        if self._producer is not None:
            self._producer.close(timeout=2.0)
            self._producer = None


def _send(producer: KafkaProducer, record: Record) -> Future | None:
    """Hand `record` over; None if the client itself finds it too large."""
    try:
        return producer.send(
            record.topic,
            key=record.key,
            value=record.value,
            headers=list(record.headers),
            partition=record.partition,
        )
    except _TOO_LARGE:
        return None


def _acknowledged(future: Future | None) -> bool:
    """Return False for a record that is too large.

    Raises:
        KafkaError: It is not acknowledged for another reason.
    """
    try:
        if future is not None:
            future.get(timeout=0)
    except _TOO_LARGE:
        return False
    return future is not None
