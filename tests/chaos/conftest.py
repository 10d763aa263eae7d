"""Stacks for the fault tests: one that several faults hit in turn, and fresh ones."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from order_service.embedded.server import KafkaServer
from tests.chaos.feed import Feed
from tests.chaos.service import Service
from tests.chaos.stack import Stack, running_stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, kafka_server: KafkaServer) -> Iterator[Stack]:
    """A stack that the tests of one module share: later faults meet what earlier ones left."""
    with running_stack(tmp_path_factory.mktemp("stack"), kafka_server) as stack:
        yield stack


@pytest.fixture
def fresh(tmp_path: Path, kafka_server: KafkaServer) -> Iterator[Stack]:
    """A stack for one test alone."""
    with running_stack(tmp_path, kafka_server) as stack:
        yield stack


@pytest.fixture(scope="module")
def consumer(stack: Stack) -> Service:
    """A consumer that has its partitions."""
    service = stack.consumer()
    service.await_status(200, 30)
    return service


@pytest.fixture(scope="module")
def feed(stack: Stack, consumer: Service) -> Iterator[Feed]:
    """What is sent to the shared stack; every set check covers all of it."""
    assert consumer.pid
    with stack.feed() as feed:
        yield feed
