"""A whole service of its own: Postgres, Valkey and proxies, consumers and an API.

`ServiceStack` is all of it but the database, of which there may be one server or a cluster.

The Kafka broker is shared by the tests of a session, because a Java process takes seconds to
start; topics and groups belong to one stack. Timeouts are short, so that a fault of seconds
shows what one of minutes would.
"""

import contextlib
import itertools
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from redis import Redis

from order_service.embedded.ports import free_port
from order_service.embedded.postgres import PostgresServer
from order_service.embedded.server import KafkaServer
from order_service.embedded.valkey import ValkeyServer
from tests.backends import migrator_of
from tests.chaos import set_check
from tests.chaos.feed import MIX, Feed, Place
from tests.chaos.proxy import HOST, TcpProxy
from tests.chaos.service import Service
from tests.waiting import eventually

PARTITIONS = 4
_numbers = itertools.count(1)

IMPATIENT = {
    "POSTGRES_STATEMENT_TIMEOUT": "2",
    "POSTGRES_RETRY_ATTEMPTS": "3",
    "POSTGRES_RETRY_BASE_DELAY": "0.05",
    "POSTGRES_RETRY_MAX_DELAY": "0.5",
    "KAFKA_RETRY_ATTEMPTS": "3",
    "KAFKA_RETRY_BASE_DELAY": "0.05",
    "KAFKA_RETRY_MAX_DELAY": "0.5",
    "KAFKA_SESSION_TIMEOUT": "3",
    "KAFKA_STALL_TIMEOUT": "90",
    "ORDERS_REJECTION_LIMIT": "1",
    "HTTP_SHUTDOWN_TIMEOUT": "5",
    "LOG_FORMAT": "json",
}
"""Settings with which an outage of seconds is a long one."""


def client_options(kafka: KafkaServer) -> dict[str, Any]:
    """Return kafka-python's options for this broker."""
    environ = kafka.environment()
    version = environ.get("KAFKA_API_VERSION")
    told = {"api_version": tuple(map(int, version.split(".")))} if version else {}
    return {"bootstrap_servers": environ["KAFKA_BOOTSTRAP_SERVERS"].split(","), **told}


def topics_of_shop(name: str) -> dict[str, str]:
    """Return the topics and groups of checkout and payments."""
    return {
        "CHECKOUT_REQUESTS_TOPIC": f"{name}.requests",
        "PAYMENTS_REQUESTS_TOPIC": f"{name}.requests",
        "CHECKOUT_SETTLEMENTS_TOPIC": f"{name}.settlements",
        "PAYMENTS_SETTLEMENTS_TOPIC": f"{name}.settlements",
        "CHECKOUT_ORDERS_TOPIC": name,
        "CHECKOUT_GROUP_ID": f"{name}.checkout",
        "PAYMENTS_GROUP_ID": f"{name}.payments",
        "CHECKOUT_ASK_AGAIN_AFTER": "3",
    }


class ServiceStack(ABC):
    """The servers, what the service is told about them, and its processes."""

    def __init__(
        self, folder: Path, valkey: ValkeyServer, kafka: KafkaServer, settings: Mapping[str, str]
    ) -> None:
        number = f"{os.getpid()}-{next(_numbers)}"
        self.folder = folder
        self.valkey = valkey
        self.kafka = kafka
        self.options = client_options(kafka)
        self.topic = f"orders-{number}"
        self.dead_letter_topic = f"{self.topic}.dead-letters"
        self.group = f"group-{number}"
        self.settings = settings
        self.services: list[Service] = []
        self.valkey_proxy = TcpProxy(lambda: valkey.port)

    @abstractmethod
    def database(self) -> Mapping[str, str]:
        """Return what the service is told of its database."""

    @property
    @abstractmethod
    def dsn(self) -> str:
        """How the tests reach the database."""

    @abstractmethod
    def migrate(self) -> None:
        """Bring the database up to date."""

    def environ(self) -> dict[str, str]:
        """Return the settings of a process of this stack."""
        return {
            **self.settings,
            **self.kafka.environment(),
            **self.database(),
            "ORDERS_TOPIC": self.topic,
            "ORDERS_DEAD_LETTER_TOPIC": self.dead_letter_topic,
            "ORDERS_GROUP_ID": self.group,
            **topics_of_shop(self.topic),
            "KAFKA_PARTITIONS": str(PARTITIONS),
            "REDIS_URL": f"redis://{HOST}:{self.valkey_proxy.port}/0",
        }

    @property
    def redis(self) -> "Redis":
        """Return a client of the cache, around the proxy."""
        return Redis(host=HOST, port=self.valkey.port, socket_timeout=5)

    def consumer(self, **changes: str) -> Service:
        """Start a consumer; `changes` are settings of its own."""
        port = free_port()
        return self._started("consume", port, {"METRICS_WORKER_PORT": str(port), **changes})

    def api(self, **changes: str) -> Service:
        """Start an API."""
        port = free_port()
        return self._started("api", port, {"HTTP_PORT": str(port), **changes})

    def worker(self, name: str, **changes: str) -> Service:
        """Start a worker of any context; `changes` are settings of its own."""
        port = free_port()
        return self._started(f"work {name}", port, {"METRICS_WORKER_PORT": str(port), **changes})

    def _started(self, command: str, port: int, changes: Mapping[str, str]) -> Service:
        log = self.folder / f"{command.replace(' ', '-')}-{port}.log"
        service = Service(command, port, {**self.environ(), **changes}, log)
        self.services.append(service)
        service.start()
        return service

    def feed(self, seed: int = 1, **mix: Any) -> Feed:  # noqa: ANN401 - fields of Mix
        """Return a producer for the topic; enter it first."""
        return Feed(self.options, self.topic, seed, MIX if not mix else type(MIX)(**mix))

    def create_topics(self) -> None:
        """Create what the consumer would create, so that a feed can begin before it.

        Messages may be larger than usual, so that the service judges their size, not the broker.
        """
        admin = KafkaAdminClient(**self.options)
        roomy = {"num_partitions": PARTITIONS, "configs": {"max.message.bytes": "2000000"}}
        admin.create_topics({self.topic: roomy}, wait_for_metadata=True)
        admin.close()

    def lag(self) -> int:
        """Return how many messages the group has not committed."""
        with self.watching_lag() as lag:
            return lag()

    def await_drained(self, seconds: float = 40.0) -> float:
        """Wait until everything in the topic is committed; return the seconds."""
        with self.watching_lag() as lag:
            return eventually(
                lambda: lag() == 0, seconds, f"the topic is drained; see {self.folder}"
            )

    @contextlib.contextmanager
    def watching_lag(self) -> Iterator[Callable[[], int]]:
        """Give what tells the lag; to connect for each answer would cost more than the answer."""
        options = {"enable_auto_commit": False, "metrics_enabled": False, **self.options}
        with closing(KafkaConsumer(group_id=self.group, **options)) as consumer:
            # A client that knows of no partition yet would find that nothing is left of none.
            eventually(lambda: consumer.partitions_for_topic(self.topic), 30, "partitions")
            numbers = consumer.partitions_for_topic(self.topic) or ()
            partitions = [TopicPartition(self.topic, number) for number in numbers]

            def lag() -> int:
                ends = consumer.end_offsets(partitions)
                return sum(ends[each] - (consumer.committed(each) or 0) for each in partitions)

            yield lag

    def await_rows(self, count: int, seconds: float = 30.0) -> None:
        """Wait until at least `count` orders are stored."""
        eventually(lambda: self.count() >= count, seconds, f"{count} rows")

    def count(self) -> int:
        """Return how many orders are stored."""
        with psycopg.connect(self.dsn) as connection:
            row = connection.execute("SELECT count(*) FROM orders.orders").fetchone()
        return int(row[0]) if row else 0

    def admin(self, *statements: str) -> None:
        """Run statements as the superuser, each by itself."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def check_set(self, feed: Feed) -> set_check.Census:
        """Wait until all is consumed, then compare; see `set_check`."""
        feed.pause()
        self.await_drained(90)
        return set_check.check_set(
            set_check.read_topic(self.options, self.topic),
            feed.acknowledged(),
            feed.valid,
            set_check.stored_rows(self.dsn),
            self.letters(),
        )

    def letters(self) -> dict[Place, list[set_check.Letter]]:
        """Return the dead letters by the place of their originals."""
        return set_check.read_letters(self.options, self.dead_letter_topic)

    def delete_topic(self) -> None:
        """Delete the topic of the orders."""
        admin = KafkaAdminClient(**self.options)
        admin.delete_topics([self.topic])
        admin.close()

    def clean_up(self) -> None:
        """End all processes."""
        for service in self.services:
            service.clean_up()


class Stack(ServiceStack):
    """A service on one Postgres, behind a proxy."""

    def __init__(
        self,
        folder: Path,
        postgres: PostgresServer,
        valkey: ValkeyServer,
        kafka: KafkaServer,
        settings: Mapping[str, str] = IMPATIENT,
    ) -> None:
        super().__init__(folder, valkey, kafka, settings)
        self.postgres = postgres
        self.postgres_proxy = TcpProxy(lambda: postgres.port)

    def database(self) -> Mapping[str, str]:
        """See `ServiceStack`."""
        place = {"POSTGRES_HOST": HOST, "POSTGRES_PORT": str(self.postgres_proxy.port)}
        return self.postgres.environment() | place

    @property
    def dsn(self) -> str:
        """How the tests reach the database, around the proxy."""
        return self.postgres.admin_dsn()

    def migrate(self) -> None:
        """Bring the database up to date, around the proxy."""
        with migrator_of(self.environ() | {"POSTGRES_PORT": str(self.postgres.port)}) as migrator:
            migrator.up()


@contextlib.contextmanager
def running_stack(
    folder: Path, kafka: KafkaServer, settings: Mapping[str, str] = IMPATIENT
) -> Iterator[Stack]:
    """Start Postgres, Valkey and the proxies; the database is migrated, no process runs yet."""
    postgres = PostgresServer(folder / "postgres", durable=False)
    valkey = ValkeyServer(folder / "valkey")
    stack = Stack(folder, postgres, valkey, kafka, settings)
    with contextlib.ExitStack() as exits:
        for server in (postgres, valkey):
            exits.callback(server.kill)
            server.start()
        exits.enter_context(stack.postgres_proxy)
        exits.enter_context(stack.valkey_proxy)
        exits.callback(stack.clean_up)
        stack.migrate()
        yield stack
