"""A shop of the test's own on real servers."""

from collections.abc import Iterator

import pytest

from order_service.embedded.server import KafkaServer
from order_service.embedded.valkey import ValkeyServer
from tests.backends import Environ
from tests.shop import Shop, open_shop, topics_of_its_own


@pytest.fixture
def shop_environ(
    migrated_database: Environ, valkey_server: ValkeyServer, kafka_server: KafkaServer
) -> Environ:
    """A database, topics and groups that nobody else has."""
    servers = valkey_server.environment() | kafka_server.environment()
    environ = topics_of_its_own(migrated_database | servers)
    kafka_server.create_topic(environ["ORDERS_TOPIC"], 1)
    return environ


@pytest.fixture
def shop(shop_environ: Environ) -> Iterator[Shop]:
    """Its API, without workers."""
    with open_shop(shop_environ) as opened:
        yield opened
