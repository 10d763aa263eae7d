"""Fixtures with the real adapters on the session's servers: databases, caches, topics."""

import os
import random
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any

import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from psycopg import sql
from redis import Redis

from order_service.bootstrap.api_process import Api
from order_service.bootstrap.contexts import installed
from order_service.bootstrap.migrate import make_migrator
from order_service.config import Config
from order_service.context.brokers import kafka_connection as connection_of
from order_service.context.process import Process
from order_service.contexts.orders.postgres import ISOLATION, PostgresOrders
from order_service.embedded.postgres import PostgresServer
from order_service.embedded.server import KafkaServer
from order_service.embedded.valkey import ValkeyServer
from order_service.infra.kafka import clients as kafka_clients
from order_service.infra.kafka.clients import Connection
from order_service.infra.postgres.database import Database
from order_service.infra.postgres.migrations import Migrator
from tests.builders import ROOT

Environ = dict[str, str]
Record = Any
NewTopic = Callable[..., str]


def config_of(environ: Mapping[str, str]) -> Config:
    """The configuration of a process with this environment and nothing else."""
    return installed().load_config(ROOT / "config.yml", environ)


def api_of(environ: Mapping[str, str]) -> Api:
    """The application of a server process with this environment and nothing else; close it."""
    return Api(config_of(environ), installed())


def process_of(environ: Mapping[str, str]) -> Process:
    """A process of the service with this environment and nothing else; close it."""
    return Process(config_of(environ), scopes=installed().scopes)


@contextmanager
def migrator_of(environ: Mapping[str, str], *folders: str) -> Iterator[Migrator]:
    """A migrator of all contexts, or of some.

    What it tells its migrations through the environment ends with the block.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in ("POSTGRES_USER", "POSTGRES_PASSWORD"):
            patch.setenv(name, environ[name])
        yield make_migrator(config_of(environ), folders)


def process_environ(environ: Mapping[str, str]) -> Environ:
    """The environment of a child process that shall run the service from this checkout."""
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    return {**os.environ, **environ, "PYTHONPATH": path, "LOG_FORMAT": "json"}


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


def free_ports(count: int) -> int:
    """The first of as many ports in a row that nobody listens on.

    They lie below those that the kernel gives to clients, and below those that embedded servers
    take: one that starts meanwhile could be among them.
    """
    while True:
        first = random.randrange(10_000, 19_000)  # noqa: S311 - any will do
        with suppress(OSError), ExitStack() as held:
            for port in range(first, first + count):
                held.enter_context(closing(socket.create_server(("127.0.0.1", port))))
            return first


def connect(environ: Mapping[str, str], *, admin: bool) -> psycopg.Connection[Any]:
    """A connection of its own to the database, as the superuser or as the service's role."""
    role = "POSTGRES_ADMIN_" if admin else "POSTGRES_"
    return psycopg.connect(
        host=environ["POSTGRES_HOST"],
        port=environ["POSTGRES_PORT"],
        dbname=environ["POSTGRES_DB"],
        user=environ[f"{role}USER"],
        password=environ[f"{role}PASSWORD"],
        autocommit=True,
    )


@pytest.fixture
def empty_database(postgres_server: PostgresServer) -> Iterator[Environ]:
    """Addresses of a database and a service role of the test's own; nothing is migrated."""
    with _new_database(postgres_server, "template1") as name:
        names = {"POSTGRES_DB": name, "POSTGRES_USER": name}
        yield postgres_server.environment() | names
    with psycopg.connect(postgres_server.admin_dsn("postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


@pytest.fixture
def migrated_database(postgres_server: PostgresServer, migrated_template: str) -> Iterator[Environ]:
    """Addresses of a database of the test's own with all migrations applied.

    The role of the service is the same one in all of them: a test leaves it as it was.
    """
    with _new_database(postgres_server, migrated_template) as name:
        yield postgres_server.environment() | {"POSTGRES_DB": name}


@pytest.fixture(scope="session")
def migrated_template(postgres_server: PostgresServer) -> Iterator[str]:
    """Name of a migrated database that is only copied, which costs a tenth of migrations."""
    with _new_database(postgres_server, "template1") as name:
        with migrator_of(postgres_server.environment() | {"POSTGRES_DB": name}) as migrator:
            migrator.up()
        yield name


@contextmanager
def _new_database(server: PostgresServer, template: str) -> Iterator[str]:
    """A copy of a database that nobody is connected to, dropped after the block."""
    name = f"test_{uuid.uuid4().hex}"
    names = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
    with psycopg.connect(server.admin_dsn("postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**names))
        yield name
        admin.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**names))


@pytest.fixture(scope="session")
def shared_database(postgres_server: PostgresServer) -> Environ:
    """Addresses of one migrated database for all tests of the session."""
    environ = postgres_server.environment()
    with migrator_of(environ) as migrator:
        migrator.up()
    return environ


@pytest.fixture(scope="session")
def database(shared_database: Environ) -> Iterator[Database]:
    """The service's own pool on the shared database."""
    with process_of(shared_database) as process:
        yield process.database(8, ISOLATION)


@pytest.fixture(scope="session")
def admin(shared_database: Environ) -> Iterator[psycopg.Connection[Any]]:
    """The superuser in the shared database."""
    with connect(shared_database, admin=True) as connection:
        yield connection


@pytest.fixture
def postgres_orders(database: Database, admin: psycopg.Connection[Any]) -> PostgresOrders:
    """The repository, without orders."""
    admin.execute("TRUNCATE orders.orders CASCADE")
    return PostgresOrders(database)


@pytest.fixture
def valkey(valkey_server: ValkeyServer) -> Iterator[Redis]:
    """The library's own client of an empty server."""
    with closing(Redis(port=valkey_server.port)) as client:
        client.flushall()
        yield client


@pytest.fixture(scope="session")
def kafka_connection(kafka_server: KafkaServer) -> Connection:
    """How the service reaches the session's broker."""
    return connection_of(config_of(kafka_server.environment()).kafka)


@pytest.fixture(scope="session")
def new_topic(kafka_server: KafkaServer) -> NewTopic:
    """Creates a topic that no other test uses and returns its name."""

    def create(partitions: int = 1) -> str:
        name = f"topic-{uuid.uuid4().hex}"
        kafka_server.create_topic(name, partitions)
        return name

    return create


@pytest.fixture(scope="session")
def producer(kafka_connection: Connection) -> Iterator[KafkaProducer]:
    """A producer for what tests put into topics."""
    with closing(kafka_clients.open_producer(kafka_connection, 4 * 1024 * 1024)) as opened:
        yield opened


def send(producer: KafkaProducer, topic: str, *values: bytes, partition: int = 0) -> None:
    """Publish `values` in their order; blocks until all are acknowledged."""
    sent = [producer.send(topic, value, key=b"key", partition=partition) for value in values]
    for future in sent:
        future.get(timeout=30)


def records_of(connection: Connection, topic: str) -> list[Record]:
    """All records that the topic holds now, by partition and offset."""
    with closing(_reader(connection)) as reader:
        numbers = sorted(reader.partitions_for_topic(topic) or ())
        partitions = [TopicPartition(topic, number) for number in numbers]
        reader.assign(partitions)
        reader.seek_to_beginning()
        ends = reader.end_offsets(partitions)
        found: dict[TopicPartition, list[Record]] = {partition: [] for partition in partitions}
        while any(reader.position(partition) < end for partition, end in ends.items()):
            for partition, records in reader.poll(timeout_ms=200).items():
                found[partition] += records
    return [record for partition in partitions for record in found[partition]]


def committed_of(connection: Connection, group: str, topic: str, partition: int = 0) -> int | None:
    """The committed offset of a group."""
    with committed_by(connection, group) as committed:
        return committed(topic, partition)


@contextmanager
def committed_by(connection: Connection, group: str) -> Iterator[Callable[..., int | None]]:
    """Ask for committed offsets of a group, again and again over one connection."""
    with closing(_reader(connection, group)) as reader:

        def committed(topic: str, partition: int = 0) -> int | None:
            offset = reader.committed(TopicPartition(topic, partition), timeout_ms=10_000)
            return None if offset is None else int(offset)

        yield committed


def _reader(connection: Connection, group: str | None = None) -> KafkaConsumer:
    settings = connection.settings() | {"client_id": "tests"}
    return KafkaConsumer(**settings, group_id=group, enable_auto_commit=False)
