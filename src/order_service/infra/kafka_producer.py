"""Publishing that is done only when the brokers have acknowledged it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from kafka import KafkaProducer
from kafka.errors import KafkaError


class Record(NamedTuple):
    """One record to publish."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    timestamp_ms: int | None = None


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
            KafkaError: Some are not known to be; publishing all again is safe for
                readers that bear duplicates.
        """
        try:
            self._publish(self._open(), records)
        except KafkaError:
            self.close()
            raise

    def _open(self) -> KafkaProducer:
        if self._producer is None:
            self._producer = self._connect()
        return self._producer

    def _publish(self, producer: KafkaProducer, records: Sequence[Record]) -> None:
        futures = [
            producer.send(
                record.topic,
                key=record.key,
                value=record.value,
                headers=list(record.headers),
                timestamp_ms=record.timestamp_ms,
            )
            for record in records
        ]
        producer.flush(timeout=self._timeout)
        for future in futures:
            future.get(timeout=0)

    def close(self) -> None:
        """Close the connection; a later `publish` opens another."""
        if self._producer is not None:
            self._producer.close(timeout=2.0)
            self._producer = None
