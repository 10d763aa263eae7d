"""Fixtures that start the real servers once for a test session (for a worker of pytest-xdist)."""

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from order_service.embedded.apache_kafka import ApacheKafka, available, kafka_version
from order_service.embedded.mock_kafka import MockKafka
from order_service.embedded.postgres import PostgresServer
from order_service.embedded.server import KafkaServer, Server
from order_service.embedded.valkey import ValkeyServer

_AnyServer = TypeVar("_AnyServer", bound=Server)

# Not "java is missing" again for each of the tests.
_why_no_kafka = functools.cache(available)


def pytest_report_header() -> str:
    """Say which Kafka the tests meet: the mock broker lets faults pass that a real one shows."""
    if reason := _why_no_kafka():
        return f"kafka: NOT REAL, librdkafka's mock broker instead: {reason}"
    return f"kafka: Apache Kafka {kafka_version()}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("apache_kafka"):
        _demand_apache_kafka()


@contextmanager
def started(server: _AnyServer) -> Iterator[_AnyServer]:
    """Run a server for the length of the block."""
    try:
        server.start()
        yield server
    finally:
        server.stop(timeout=5.0)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with started(PostgresServer(tmp_path_factory.mktemp("postgres"), durable=False)) as server:
        yield server


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with started(ValkeyServer(tmp_path_factory.mktemp("valkey"))) as server:
        yield server


@pytest.fixture(scope="session")
def kafka_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """Apache Kafka where there is a Java for it; without topics, a test creates its own."""
    folder = tmp_path_factory.mktemp("kafka")
    if _why_no_kafka() and _in_ci():
        _demand_apache_kafka()
    server: KafkaServer = MockKafka(folder, {}) if _why_no_kafka() else ApacheKafka(folder)
    with started(server):
        yield server


def _demand_apache_kafka() -> None:
    if reason := _why_no_kafka():
        message = f"Apache Kafka cannot be run: {reason}"
        pytest.fail(message) if _in_ci() else pytest.skip(message)


def _in_ci() -> bool:
    """Where a missing Java must not turn the tests of correctness into skipped ones."""
    return os.environ.get("CI", "").lower() in {"true", "1"}
