"""Sends orders while the world breaks, and remembers what the brokers acknowledged."""

import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from random import Random
from types import TracebackType
from typing import Any, NamedTuple, Self

from kafka import KafkaProducer
from kafka.errors import KafkaError

from producer.generator import Mix, OrderGenerator
from producer.message import Message

MIX = Mix(invalid=0.03, duplicates=0.05, changed=0.15)
_PATIENCE_MS = 90_000


class Place(NamedTuple):
    """Where a message stands in the topic."""

    partition: int
    offset: int


class Feed:
    """A producer of one topic.

    Attributes:
        valid: The bytes of every message that was handed over, and whether it is an order.
    """

    def __init__(
        self, options: Mapping[str, Any], topic: str, seed: int = 1, mix: Mix = MIX
    ) -> None:
        self.valid: dict[bytes, bool] = {}
        self._options = options
        self._topic = topic
        self._generator = OrderGenerator(seed, datetime.now(UTC), mix)
        self._keys: list[str] = []
        self._sent: list[tuple[bytes, Any]] = []
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._producer = KafkaProducer(
            **self._options,
            acks="all",
            enable_idempotence=True,
            linger_ms=5,
            batch_size=128 * 1024,
            max_request_size=4 * 1024 * 1024,
            max_block_ms=_PATIENCE_MS,
            delivery_timeout_ms=_PATIENCE_MS,
            request_timeout_ms=5_000,
            reconnect_backoff_max_ms=1_000,
        )
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self.pause()
        self._producer.close(timeout=5)

    def generate(self, count: int) -> list[Message]:
        """Return new messages of the mix without sending them."""
        return [self._generator.message() for _ in range(count)]

    def send(self, messages: Iterable[Message]) -> None:
        """Send and wait for every acknowledgement."""
        for message in messages:
            self._hand_over(message)
        self._producer.flush(timeout=_PATIENCE_MS / 1000)

    def produce(self, count: int) -> list[Message]:
        """Generate and send; return what was sent."""
        messages = self.generate(count)
        self.send(messages)
        return messages

    def flow(self, rate: float, limit: int | None = None) -> None:
        """Send `rate` messages a second in the background until `pause`, `limit` at most."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._flow, args=(rate, limit), daemon=True)
        self._thread.start()

    def pause(self) -> None:
        """End the flow and wait for every acknowledgement."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._producer.flush(timeout=_PATIENCE_MS / 1000)

    @property
    def count(self) -> int:
        """How many messages were handed over so far."""
        return len(self._sent)

    def some_key(self, number: int) -> str:
        """Return the key of some message, which need not be valid; empty before the first."""
        keys = self._keys
        return keys[number * 7919 % len(keys)] if keys else ""

    def acknowledged(self) -> dict[Place, bytes]:
        """Return what the brokers have promised to keep."""
        done = [(value, future) for value, future in self._sent if future.succeeded()]
        return {Place(f.value.partition, f.value.offset): value for value, f in done}

    def _flow(self, rate: float, limit: int | None) -> None:
        burst = max(1, round(rate / 20))
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            due += burst / rate
            if limit is not None and self.count >= limit:
                return
            for message in self.generate(burst):
                self._hand_over(message)

    def _hand_over(self, message: Message) -> None:
        self.valid[message.value] = message.valid
        try:
            future = self._producer.send(self._topic, message.value, key=message.key or None)
        except KafkaError:  # not taken: it counts as never sent
            return
        self._sent.append((message.value, future))
        self._keys.append(message.key.decode())


def orders(seed: int, count: int) -> list[Message]:
    """Return valid new orders."""
    generator = OrderGenerator(Random(seed).getrandbits(32), datetime.now(UTC))  # noqa: S311
    return [generator.message() for _ in range(count)]
