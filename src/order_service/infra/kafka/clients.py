"""Kafka clients with the settings that this service relies on.

The library's defaults commit offsets by themselves and start at the end of a topic; both
lose messages. Keys and values stay bytes: a deserializer that raises stops the
library's consumer for good.

Opening a client raises `kafka.errors.KafkaError` if no broker answers in time.
"""

import contextlib
import logging
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.errors import Cancelled, KafkaTimeoutError

_CLIENT_ID = "order-service"
_MEBIBYTE = 1024 * 1024


def _tells_a_fault(record: logging.LogRecord) -> bool:
    """Drop the library's error that a client was closed while it asked for metadata."""
    return not any(isinstance(argument, Cancelled) for argument in record.args or ())


logging.getLogger("kafka.cluster").addFilter(_tells_a_fault)


class Connection(NamedTuple):
    """How to reach the brokers.

    Attributes:
        bootstrap_servers: ``host:port``, several separated by commas.
        api_version: Version to speak, for example ``(2, 3)``; None asks the brokers.
        security: Settings of TLS and SASL, by the library's names.
        bootstrap_timeout: Longest wait for the first broker, in seconds.
    """

    bootstrap_servers: str
    api_version: tuple[int, ...] | None = None
    security: Mapping[str, object] = {}
    bootstrap_timeout: float = 10.0

    def settings(self) -> dict[str, Any]:
        """Return what all clients share."""
        return {
            "bootstrap_servers": self.bootstrap_servers.split(","),
            "api_version": self.api_version,
            "client_id": _CLIENT_ID,
            # Doubles up to this; the default of 30 s would prolong every outage.
            "reconnect_backoff_max_ms": 2_000,
            "bootstrap_timeout_ms": round(self.bootstrap_timeout * 1000),
            **self.security,
        }


@contextlib.contextmanager
def _explained(connection: Connection) -> Iterator[None]:
    """Say what a broker that is never reached may mean.

    The library drops an answer that comes together with the end of the connection, and so
    does the broker's refusal of a login: all that is left is "disconnected".
    """
    try:
        yield
    except KafkaTimeoutError as error:
        if "sasl_mechanism" not in connection.security:
            raise
        hint = "brokers that disconnect at once refuse the SASL user, password or mechanism"
        raise KafkaTimeoutError(f"{error.args[0] if error.args else error}; {hint}") from error


_NO_AUTOMATISM: Mapping[str, object] = {
    "enable_auto_commit": False,
    "auto_offset_reset": "earliest",
    "allow_auto_create_topics": False,
    "metrics_enabled": False,
}
"""A consumer that commits nothing by itself."""


class Membership(NamedTuple):
    """How a consumer takes part in its group; times in seconds, sizes in bytes."""

    group_id: str
    max_poll_records: int
    fetch_max_bytes: int
    session_timeout: float
    max_poll_interval: float


def open_consumer(connection: Connection, membership: Membership) -> KafkaConsumer:
    """Return a consumer of raw bytes that commits nothing by itself.

    It starts an IO thread: make it after any fork, and use it from one thread only.
    """
    with _explained(connection):
        return KafkaConsumer(
            **connection.settings(),
            **_NO_AUTOMATISM,
            group_id=membership.group_id,
            # A broker answers as soon as it has data; this is for those that do not keep to it,
            # and bounds how long an idle consumer does not hear of a rebalance.
            fetch_max_wait_ms=100,
            max_poll_records=membership.max_poll_records,
            # The library holds several answers of this size at once, and copies them: larger
            # ones make the process grow, smaller ones make batches small.
            fetch_max_bytes=min(4 * _MEBIBYTE, membership.fetch_max_bytes),
            max_partition_fetch_bytes=min(4 * _MEBIBYTE, membership.fetch_max_bytes),
            session_timeout_ms=round(membership.session_timeout * 1000),
            heartbeat_interval_ms=round(membership.session_timeout * 1000 / 10),
            max_poll_interval_ms=round(membership.max_poll_interval * 1000),
        )


class _ClosingProducer(KafkaProducer):  # type: ignore[misc]  # untyped library
    """A producer that closes even while records are unsettled.

    The library's `close` ends at the timeout of its own flush and leaves the threads
    behind. Whether a record was acknowledged is asked of its future in any case.
    """

    def flush(self, timeout: float | None = None) -> None:
        """Wait at most `timeout` seconds for the acknowledgements."""
        with contextlib.suppress(KafkaTimeoutError):
            super().flush(timeout)


def open_producer(connection: Connection, max_request_bytes: int) -> KafkaProducer:
    """Return an idempotent producer that waits for all in-sync replicas."""
    with _explained(connection):
        return _ClosingProducer(
            **connection.settings(),
            acks="all",
            max_request_size=max_request_bytes,
            linger_ms=5,
            # A send to a topic that is not known yet waits for a broker; by default a minute,
            # longer than a process has to stop.
            max_block_ms=round(connection.bootstrap_timeout * 1000),
            metrics_enabled=False,
        )


def open_admin(connection: Connection) -> KafkaAdminClient:
    """Return a client for questions about topics and for making them."""
    with _explained(connection):
        return KafkaAdminClient(**connection.settings())


def open_reader(connection: Connection, group: str | None = None) -> KafkaConsumer:
    """Return a consumer of raw bytes that joins no group, for a look at a topic.

    Args:
        connection: How to reach the brokers.
        group: The group whose offsets may be asked for; None for none.
    """
    with _explained(connection):
        return KafkaConsumer(
            **connection.settings(),
            **_NO_AUTOMATISM,
            group_id=group,
            max_poll_records=500,
            fetch_max_bytes=4 * _MEBIBYTE,
            max_partition_fetch_bytes=2 * _MEBIBYTE,
        )
