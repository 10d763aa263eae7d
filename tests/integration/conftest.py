"""The environment of a service with a database, topics and a group of the test's own."""

import uuid
from contextlib import closing

import pytest

from order_service.embedded.server import KafkaServer
from order_service.embedded.valkey import ValkeyServer
from order_service.infra.kafka import clients as kafka_clients
from order_service.infra.kafka.clients import Connection
from tests.backends import Environ, NewTopic


@pytest.fixture
def service_environ(
    migrated_database: Environ,
    valkey_server: ValkeyServer,
    kafka_server: KafkaServer,
    new_topic: NewTopic,
) -> Environ:
    """Topic with two partitions; the dead-letter topic is for the service to create."""
    topic = new_topic(2)
    return {
        **migrated_database,
        **valkey_server.environment(),
        **kafka_server.environment(),
        "ORDERS_TOPIC": topic,
        "ORDERS_DEAD_LETTER_TOPIC": f"{topic}.dead-letters",
        "ORDERS_GROUP_ID": uuid.uuid4().hex,
        "KAFKA_PARTITIONS": "2",
    }


@pytest.fixture
def small_topic(kafka_connection: Connection) -> str:
    """A topic that admits records of 20 KiB."""
    name = f"small-{uuid.uuid4().hex}"
    topic = {"num_partitions": 1, "configs": {"max.message.bytes": "20480"}}
    with closing(kafka_clients.open_admin(kafka_connection)) as admin:
        admin.create_topics({name: topic}, wait_for_metadata=True)
    return name
