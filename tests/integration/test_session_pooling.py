"""The whole house over PgBouncer in session mode."""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from order_service.embedded.server import KafkaServer
from order_service.embedded.valkey import ValkeyServer
from order_service.infra.kafka.clients import Connection
from tests.backends import Environ, NewTopic, records_of
from tests.e2e.api_process import serving
from tests.e2e.gateway import Origin
from tests.pgbouncer import pooled
from tests.shop import DELIVERY, WORKERS, topics_of_its_own, wish, working
from tests.waiting import eventually

WAIT_S = 60.0


@pytest.fixture
def house(
    tmp_path: Path,
    migrated_database: Environ,
    valkey_server: ValkeyServer,
    kafka_server: KafkaServer,
    new_topic: NewTopic,
) -> Iterator[tuple[Origin, Environ]]:
    """The API and all workers over PgBouncer in session mode, and their environment."""
    with pooled(tmp_path, migrated_database, pool_mode="session", default_pool_size="60") as server:
        environ = {
            **topics_of_its_own({**server.environment(), **valkey_server.environment()}),
            **kafka_server.environment(),
            "ACCOUNTS_TOPIC": new_topic(),
            "HTTP_AUTH": "token",
            "ORDERS_CACHE_WARM_UP": "0",
            "METRICS_WORKER_PORT": "0",
        }
        with ExitStack() as exits:
            api = exits.enter_context(serving(environ))
            exits.enter_context(working(environ, *WORKERS, "orders-consumer", "accounts-relay"))
            yield Origin(api.url), environ


@pytest.mark.apache_kafka
def test_session_pooling_is_right_for_all_parts(
    house: tuple[Origin, Environ], kafka_connection: Connection
) -> None:
    origin, environ = house
    person = {"login": uuid.uuid4().hex, "password": "correct horse battery"}
    token = str(origin.post("/auth/registration", person).body["access_token"])
    assert origin.post("/auth/login", person).status == 200
    told = environ["ACCOUNTS_TOPIC"]
    eventually(lambda: len(records_of(kafka_connection, told)) == 1, WAIT_S, "it is announced")

    assert origin.post("/wallet", token=token).status == 201
    assert origin.post("/wallet/deposits", {"amount": 5_000}, token).status == 200
    bought = origin.post("/purchases", wish(1_999, 2, delivery=DELIVERY), token).body["id"]
    purchase = f"/purchases/{bought}"
    eventually(
        lambda: origin.get(purchase, token).body["status"] == "approved", WAIT_S, "it is paid for"
    )
    assert origin.get("/wallet", token).body["balance"] == 1_002
    uid = origin.get(purchase, token).body["order_uid"]
    eventually(lambda: origin.get(f"/order/{uid}", token).status == 200, WAIT_S, "it is an order")
