"""The servers and processes that a benchmark needs, in a folder that goes with it.

Everything listens on loopback and ends with the block, also when it fails: the servers and
the processes are children that the kernel ends should this process be killed.
"""

import contextlib
import http.client
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import LiteralString, NamedTuple

import psutil
import psycopg
from confluent_kafka import Producer
from redis import Redis

from benchmarks.golang import built
from benchmarks.orders import Sample
from order_service.embedded import apache_kafka
from order_service.embedded.apache_kafka import ApacheKafka
from order_service.embedded.mock_kafka import MockKafka
from order_service.embedded.ports import HOST, free_port
from order_service.embedded.postgres import PostgresServer
from order_service.embedded.processes import ChildProcess
from order_service.embedded.server import KafkaServer
from order_service.embedded.valkey import ValkeyServer

ROOT = Path(__file__).parents[1]
TOPIC = "orders"
_TABLES = "orders.orders, orders.deliveries, orders.payments, orders.items"
_TIMEOUT_S = 60.0
_PAUSE_S = 0.01
_PARTITIONS = 8  # kafka.partitions
_MOCK_PARTITIONS = 32  # each keeps 5 MiB
_numbers = itertools.count(1)


@cache
def kafka_name() -> str:
    """Return which Kafka is measured."""
    if apache_kafka.available() is None:
        return f"Apache Kafka {apache_kafka.kafka_version()}"
    return "librdkafka's broker in memory (no Java was found)"


class Answer(NamedTuple):
    """What a server answered."""

    headers: list[tuple[str, str]]
    body: bytes


class Process:
    """One process that is measured; it listens on `port`."""

    def __init__(self, child: ChildProcess, port: int) -> None:
        self.child = child
        self.port = port

    @property
    def pid(self) -> int:
        """Its pid."""
        return self.child.pid

    def cpu_seconds(self) -> float:
        """Return the processor time that it and its children have taken so far."""
        process = psutil.Process(self.pid)
        times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
        return float(sum(each.user + each.system for each in times))

    def status(self, path: str) -> int:
        """Return the status of the answer to a GET, 0 if there is none."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        with contextlib.closing(connection), contextlib.suppress(OSError):
            connection.request("GET", path)
            return connection.getresponse().status
        return 0

    def get(self, path: str) -> Answer:
        """Return the answer to a GET."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            return Answer(response.getheaders(), response.read())

    def answers(self, path: str, status: int = 200) -> bool:
        """Whether a GET is answered with `status`.

        Raises:
            RuntimeError: The process has ended.
        """
        return self.is_alive() and self.status(path) == status

    def is_alive(self) -> bool:
        """Return True.

        Raises:
            RuntimeError: The process has ended; the text is what it said last.
        """
        if not self.child.alive():
            raise RuntimeError(f"the process ended: {self.child.log.tail()}")
        return True

    def await_status(self, path: str, status: int = 200) -> None:
        """Wait until a GET is answered with `status`."""
        await_that(lambda: self.answers(path, status), path)


def await_that(holds: Callable[[], object], what: str, timeout: float = _TIMEOUT_S) -> None:
    """Wait until `holds()`, looking every ten milliseconds.

    Raises:
        TimeoutError: It does not come to that within `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout:g} s: {what}")
        time.sleep(_PAUSE_S)


class Stack:
    """A durable Postgres, a Valkey, perhaps a Kafka, and what runs on them."""

    def __init__(self, folder: Path, *, with_kafka: bool) -> None:
        self.folder = folder
        self.postgres = PostgresServer(folder / "postgres", durable=True)
        self.valkey = ValkeyServer(folder / "valkey")
        self.kafka = self._make_kafka() if with_kafka else None

    def _make_kafka(self) -> KafkaServer:
        topics = {TOPIC: _partitions(), f"{TOPIC}.dead-letters": _PARTITIONS}
        if apache_kafka.available() is None:
            return ApacheKafka(self.folder / "kafka", topics=topics)
        return MockKafka(self.folder / "kafka", topics)

    def create_topic(self, name: str) -> None:
        """Create a topic like that of the orders."""
        if self.kafka is None:
            raise ValueError("this stack has no Kafka")
        self.kafka.create_topic(name, _partitions())

    def environment(self) -> dict[str, str]:
        """Return the addresses; all other settings are the defaults."""
        servers = [self.postgres, self.valkey, *([self.kafka] if self.kafka else [])]
        addresses = {k: v for server in servers for k, v in server.environment().items()}
        # The topics are there; the broker in memory knows no administration.
        return {**addresses, "KAFKA_CREATE_TOPICS": "false", "LOG_LEVEL": "warning"}

    @property
    def dsn(self) -> str:
        """How the database is reached by the benchmark and by the baselines."""
        return self.postgres.admin_dsn()

    @property
    def redis(self) -> Redis:
        """Return a client of the cache."""
        return Redis(host=HOST, port=self.valkey.port)

    def migrate(self) -> None:
        """Make the tables."""
        command = [sys.executable, "-m", "order_service", "migrate", "up"]
        environ = {**os.environ, **self.environment(), "PYTHONPATH": _python_path()}
        subprocess.run(command, env=environ, check=True, stdout=subprocess.DEVNULL)

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Return a connection of the superuser that commits every statement."""
        return psycopg.connect(self.dsn, autocommit=True)

    def empty(self) -> None:
        """Forget all orders, in the tables and in the cache, and leave the disk quiet."""
        with self.connect() as connection:
            connection.execute(f"TRUNCATE {_TABLES}".encode())
            connection.execute("CHECKPOINT")
        self.redis.flushall()

    def rows(self, table: LiteralString = "orders.orders") -> int:
        """Return how many orders are stored."""
        with self.connect() as connection:
            row = connection.execute("SELECT count(*) FROM " + table).fetchone()  # noqa: S608 - our own names
        return int(str(row[0])) if row else 0

    def number(self) -> int:
        """Return a new number, for the names of groups and processes."""
        return next(_numbers)

    @contextlib.contextmanager
    def process(self, *module: str, settings: Mapping[str, str] | None = None) -> Iterator[Process]:
        """Run `python -m <module>` for the length of the block; it may not be ready yet."""
        name = module[0].rpartition(".")[2]
        with self._running(name, [sys.executable, "-m", *module], settings) as process:
            yield process

    @contextlib.contextmanager
    def go(self, mode: str, **settings: str) -> Iterator[Process]:
        """Run a Go service of `benchmarks/baselines/go`; it may not be ready yet.

        Raises:
            NoGoError: It cannot be built here.
        """
        with self._running(mode, [str(built()), mode], settings) as process:
            yield process

    @contextlib.contextmanager
    def go_api(self, mode: str) -> Iterator[Process]:
        """Run a Go service that answers lookups; it is ready."""
        with self.go(mode) as server:
            server.await_status("/up")
            yield server

    @contextlib.contextmanager
    def _running(
        self, name: str, command: Sequence[str], settings: Mapping[str, str] | None
    ) -> Iterator[Process]:
        port = free_port()
        ports = {"HTTP_PORT": str(port), "METRICS_WORKER_PORT": str(port)}
        child = ChildProcess(
            f"{name}-{self.number()}",
            self.folder,
            command,
            environment={
                **self.environment(),
                "BENCH_DSN": self.dsn,
                "PYTHONPATH": _python_path(),
                **ports,
                **(settings or {}),
            },
        )
        try:
            yield Process(child, port)
        finally:
            child.stop(signal.SIGTERM, 15.0)

    @contextlib.contextmanager
    def api(self, **settings: str) -> Iterator[Process]:
        """Run the API with default settings but for `settings`; it is ready."""
        with self.process("order_service", "api", settings=settings) as api:
            api.await_status("/health/ready")
            yield api

    @contextlib.contextmanager
    def baseline(self, app: str, **settings: str) -> Iterator[Process]:
        """Serve a WSGI application of `benchmarks.baselines`; it is ready."""
        module = "benchmarks.baselines.server"
        with self.process(module, f"benchmarks.baselines.{app}", settings=settings) as server:
            server.await_status("/up")
            yield server

    def send(self, messages: Iterable[Sample], topic: str = TOPIC) -> int:
        """Put messages into a topic; return how many, all of them acknowledged."""
        producer = open_producer(self.environment())
        count = 0
        for uid, body in messages:
            hand_over(producer, uid, body, topic)
            count += 1
        if left := producer.flush(_TIMEOUT_S):
            raise TimeoutError(f"{left} messages are not acknowledged")
        return count


def open_producer(environment: Mapping[str, str]) -> Producer:
    """Return a producer that costs the machine as little as can be."""
    return Producer(
        {
            "bootstrap.servers": environment["KAFKA_BOOTSTRAP_SERVERS"],
            "acks": "all",
            "linger.ms": 20,
            "queue.buffering.max.messages": 200_000,
        }
    )


def hand_over(producer: Producer, uid: str, body: bytes, topic: str = TOPIC) -> None:
    """Hand a message over; blocks while the producer's queue is full."""
    while True:
        try:
            producer.produce(topic, body, uid.encode())
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return


def _partitions() -> int:
    return _PARTITIONS if apache_kafka.available() is None else _MOCK_PARTITIONS


def _python_path() -> str:
    return os.pathsep.join([str(ROOT / "src"), str(ROOT)])


@contextlib.contextmanager
def running_stack(*, with_kafka: bool = False) -> Iterator[Stack]:
    """Start the servers and make the tables."""
    with (
        tempfile.TemporaryDirectory(prefix="order-service-bench-") as folder,
        contextlib.ExitStack() as exits,
    ):
        stack = Stack(Path(folder), with_kafka=with_kafka)
        starting = exits.enter_context(ThreadPoolExecutor(3))
        started = []
        for server in (stack.postgres, stack.valkey, stack.kafka):
            if server is not None:
                exits.callback(server.kill)
                started.append(starting.submit(server.start))
        started[0].result()
        stack.migrate()
        for start in started:
            start.result()
        yield stack
