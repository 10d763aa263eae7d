"""Hands messages to Kafka and knows of each one whether the brokers have it.

The producer is idempotent and waits for all replicas. What is on the way is bounded, in
messages and in bytes, because kafka-python's own buffer is not.
"""

import socket
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event
from time import monotonic
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from producer.faults import Kind
from producer.message import Message
from producer.trace import HEADER

_MESSAGES_ON_THE_WAY = 10_000
_BYTES_ON_THE_WAY = 32 * 1024 * 1024
_LOOK_UP = 0.2  # seconds between two looks at `stop`
_MAX_REQUEST = 4 * 1024 * 1024

Outcome = Callable[[Message, "Delivery"], None]


class Unreachable(Exception):  # noqa: N818  a condition of the world, said in words
    """No broker answers, or the topic cannot be written to; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a message: where the brokers stored it, or why they did not."""

    partition: int | None = None
    offset: int | None = None
    error: str = ""

    @property
    def acknowledged(self) -> bool:
        """Whether all in-sync replicas have it."""
        return not self.error


@dataclass
class Tally:
    """How many messages had which fate.

    `refused` counts the deliberately too large ones that a broker did not take: as expected.
    """

    acknowledged: int = 0
    invalid: int = 0
    refused: int = 0
    failed: Counter[str] = field(default_factory=Counter)

    def count(self, message: Message, delivery: Delivery) -> None:
        """Add one message."""
        if delivery.acknowledged:
            self.acknowledged += 1
            self.invalid += not message.valid
        elif message.kind == Kind.TOO_LARGE.value and _is_too_large(delivery.error):
            self.refused += 1
        else:
            self.failed[delivery.error] += 1


class _Producer(KafkaProducer):  # type: ignore[misc]  # kafka-python is untyped
    """A producer that closes even if messages are unsettled.

    kafka-python's `close` stops at its flush's timeout, with the threads and the noise left over.
    """

    def flush(self, timeout: float | None = None) -> None:
        """Wait for all messages, for at most `timeout` seconds; their futures tell the rest."""
        with suppress(KafkaTimeoutError):
            super().flush(timeout)


def connect(
    options: dict[str, Any], topic: str, connect_timeout: float, delivery: float
) -> KafkaProducer:
    """Return a producer that knows the topic.

    Args:
        options: kafka-python's, from `addresses.connection`.
        topic: where to send; it must exist.
        connect_timeout: seconds to wait for a broker and for the topic, each.
        delivery: seconds after which a message that no broker acknowledged has failed.

    Raises:
        Unreachable: no broker answered, the login failed, or there is no such topic.
    """
    servers = ", ".join(options["bootstrap_servers"])
    try:
        producer = _Producer(**options, **_behaviour(connect_timeout, delivery))
    except (KafkaError, OSError, ValueError, AssertionError) as error:
        raise Unreachable(f"cannot reach Kafka at {servers}: {_words(error)}") from error
    if problem := _problem_with(producer, topic, servers):
        producer.close(timeout=0)
        raise Unreachable(problem)
    return producer


def _problem_with(producer: KafkaProducer, topic: str, servers: str) -> str:
    """Return why the topic cannot be written to, or nothing if it can."""
    try:
        return "" if producer.partitions_for(topic) else f"topic {topic!r} has no partition"
    except KafkaTimeoutError:
        if reasons := _refusals(servers):
            return f"cannot reach Kafka at {reasons}"
        return f"Kafka at {servers} gave no topic {topic!r}: start the service, or create it"
    except (KafkaError, ValueError) as error:
        return f"cannot send to topic {topic!r}: {_words(error)}"


def _refusals(servers: str) -> str:
    """Return why none of the servers can be connected to, or nothing if one can."""
    reasons = []
    for server in servers.split(", "):
        host, _, port = server.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=1).close()
        except (OSError, ValueError) as error:
            reasons.append(f"{server}: {getattr(error, 'strerror', None) or error}")
        else:
            return ""
    return ", ".join(reasons)


def _behaviour(connect_timeout: float, delivery: float) -> dict[str, Any]:
    delivery_ms = int(delivery * 1000)
    return {
        "client_id": "order-producer",
        "acks": "all",
        "enable_idempotence": True,
        "linger_ms": 5,
        "batch_size": 128 * 1024,
        "max_request_size": _MAX_REQUEST,
        "allow_auto_create_topics": False,
        "bootstrap_timeout_ms": int(connect_timeout * 1000),
        "max_block_ms": int(connect_timeout * 1000),
        "delivery_timeout_ms": delivery_ms,
        "request_timeout_ms": min(30_000, delivery_ms // 2),
    }


class Sender:
    """Sends to one topic and settles each message: acknowledged, or failed with a reason.

    `stop`, once set, lets no call wait for room any longer. `outcomes` are told each fate.
    """

    def __init__(
        self, producer: KafkaProducer, topic: str, stop: Event, *outcomes: Outcome
    ) -> None:
        self.tally = Tally()
        self._producer = producer
        self._topic = topic
        self._stop = stop
        self._outcomes = outcomes
        self._pending: deque[tuple[Message, Any]] = deque()
        self._bytes = 0

    def send(self, message: Message) -> None:
        """Hand a message over; blocks while too much is on the way. Failures go to the tally."""
        while self._is_full() and not self._stop.is_set():
            self._await_oldest(_LOOK_UP)
        try:
            future = self._producer.send(
                self._topic,
                value=message.value,
                key=message.key or None,
                headers=_headers(message),
            )
        except (KafkaError, ValueError) as error:
            self._settle(message, Delivery(error=_words(error)))
            return
        self._pending.append((message, future))
        self._bytes += len(message.value)
        self._settle_done()

    def finish(self, timeout: float) -> None:
        """Wait until every message is settled; after `timeout` seconds the rest has failed."""
        end = monotonic() + timeout
        self._producer.flush(timeout=timeout)
        while self._pending:
            self._settle_oldest(max(0.0, end - monotonic()))
        self._producer.close(timeout=1)

    def _is_full(self) -> bool:
        return len(self._pending) >= _MESSAGES_ON_THE_WAY or self._bytes > _BYTES_ON_THE_WAY

    def _await_oldest(self, timeout: float) -> None:
        with suppress(KafkaError):  # settling reports it
            self._pending[0][1].get(timeout=timeout)
        self._settle_done()

    def _settle_done(self) -> None:
        while self._pending and self._pending[0][1].is_done:
            self._settle_oldest(0)

    def _settle_oldest(self, timeout: float) -> None:
        message, future = self._pending.popleft()
        self._bytes -= len(message.value)
        try:
            stored = future.get(timeout=timeout)
        except KafkaError as error:
            self._settle(message, Delivery(error=_words(error)))
        else:
            self._settle(message, Delivery(stored.partition, stored.offset))

    def _settle(self, message: Message, delivery: Delivery) -> None:
        self.tally.count(message, delivery)
        for outcome in self._outcomes:
            outcome(message, delivery)


def _headers(message: Message) -> list[tuple[str, bytes]]:
    return [(HEADER, message.traceparent.encode())] if message.traceparent else []


def _words(error: BaseException) -> str:
    name, text = type(error).__name__, str(error).split("\n", 1)[0]
    return f"{name}: {text.removeprefix(name)[:300].lstrip(': ')}".rstrip(": ")


def _is_too_large(error: str) -> bool:
    return error.startswith(MessageSizeTooLargeError.__name__)
