"""A topic, a group and consumer loops on them, in threads of the test."""

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

from kafka import KafkaProducer

from order_service.infra.kafka import clients as kafka_clients
from order_service.infra.kafka.batching import BatchLimits
from order_service.infra.kafka.clients import Connection, Membership
from order_service.infra.kafka.consumer import ConsumerLoop
from order_service.infra.kafka.member import GroupMember
from order_service.infra.kafka.progress import ConsumerProgress
from order_service.infra.kafka.timing import Timing
from tests.backends import Record, committed_of, send

WAIT_S = 30.0
Batch = list[bytes]


class Handler:
    """Keeps what it stores; `on_store` may hold a batch back or refuse it."""

    def __init__(self, on_store: Callable[[Batch], object] = lambda _: None) -> None:
        self.stored: list[Batch] = []
        self.streams: set[str | None] = set()
        self.idle_again = threading.Event()
        self._on_store = on_store

    def prepare(self, records: Sequence[Record], stream: str | None) -> Batch:
        self.idle_again.clear()
        self.streams.add(stream)
        return [record.value for record in records]

    def store(self, prepared: Batch) -> None:
        self._on_store(prepared)
        self.stored.append(prepared)

    def idle(self) -> None:
        if self.stored:
            self.idle_again.set()

    @property
    def values(self) -> Batch:
        return [value for batch in self.stored for value in batch]


class Told:
    """Remembers what observers are told."""

    def __init__(self) -> None:
        self.gaps: list[int] = []
        self.lags: list[Mapping[int, int]] = []
        self.batches: list[tuple[int, int]] = []
        self.stages: set[str] = set()

    def fetched(self) -> None:
        pass

    def lag(self, messages: Mapping[int, int]) -> None:
        self.lags.append(dict(messages))

    def gap(self, messages: int) -> None:
        self.gaps.append(messages)

    def paused(self, causes: Mapping[str, int]) -> None:
        raise AssertionError(causes)

    def stalled(self) -> None:
        raise AssertionError

    def taken(self, messages: int, size: int) -> None:
        self.batches.append((messages, size))

    def took(self, stage: str, seconds: float) -> None:
        assert seconds >= 0
        self.stages.add(stage)


class Options(NamedTuple):
    """What tests vary of a loop."""

    max_messages: int = 500
    max_bytes: int = 1_000_000
    max_poll_interval: float = 300.0
    shutdown: float = 10.0
    linger: float = 0.0


class Bench:
    """A topic, a group, and loops that read it."""

    def __init__(self, connection: Connection, producer: KafkaProducer, topic: str) -> None:
        self.connection = connection
        self.topic = topic
        self.group = uuid.uuid4().hex
        self.told = Told()
        self.progress = ConsumerProgress(self.told)
        self._producer = producer

    def produce(self, *values: bytes, partition: int = 0) -> None:
        send(self._producer, self.topic, *values, partition=partition)

    def committed(self, partition: int = 0) -> int | None:
        return committed_of(self.connection, self.group, self.topic, partition)

    @contextmanager
    def running(self, handler: Handler, **options: Any) -> Iterator["Run"]:  # noqa: ANN401 - of Options
        """A loop for the length of the block; afterwards it has ended."""
        stopping = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            run = Run(stopping, pool.submit(self._run, handler, stopping, Options(**options)))
            try:
                yield run
            finally:
                stopping.set()
                run.ended.exception(WAIT_S)

    def _run(self, handler: Handler, stopping: threading.Event, given: "Options") -> None:
        membership = Membership(
            self.group, given.max_messages, 8_000_000, 6.0, given.max_poll_interval
        )
        timing = Timing(
            poll=0.1, linger=given.linger, keepalive=0.2, lag_probe=0.2, shutdown=given.shutdown
        )
        consumer = kafka_clients.open_consumer(self.connection, membership)
        ConsumerLoop(
            GroupMember(consumer, self.topic, self.progress, timing),
            handler,
            self.told,
            stopping,
            BatchLimits(given.max_messages, given.max_bytes),
        ).run()


class Run:
    """A loop that runs in a thread."""

    def __init__(self, stopping: threading.Event, ended: "Future[None]") -> None:
        self.stopping = stopping
        self.ended = ended
