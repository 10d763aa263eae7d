"""The six contexts as deployments of their own behind one origin, with the paths of one process."""

import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from order_service.embedded.server import KafkaServer
from order_service.embedded.valkey import ValkeyServer
from tests.backends import Environ, free_port
from tests.e2e.api_process import serving
from tests.e2e.gateway import Origin, gateway
from tests.shop import DELIVERY, WORKERS, topics_of_its_own, wish, working
from tests.waiting import eventually

DEPLOYMENTS = {
    "ORDERS": "orders,access,accounts",
    "ACCOUNTS": "accounts",
    "LOYALTY": "loyalty,accounts",
    "ACCRUAL": "accrual",
    "PAYMENTS": "payments,accounts",
    "CHECKOUT": "checkout,accounts",
}
NUMBER = "12345678903"
GOODS = [{"description": "A kettle of Bork", "price": 7000}]


@pytest.fixture(scope="module")
def origin(
    tmp_path_factory: pytest.TempPathFactory,
    shared_database: Environ,
    valkey_server: ValkeyServer,
    kafka_server: KafkaServer,
) -> Iterator[Origin]:
    """One origin in front of six API processes, and the workers of all contexts."""
    shared = {
        **topics_of_its_own({**shared_database, **valkey_server.environment()}),
        **kafka_server.environment(),
        "HTTP_TRUSTED_PROXIES": "127.0.0.1",
        "ORDERS_CACHE_WARM_UP": "0",
        "POSTGRES_POOL_MAX_SIZE": "4",
        "HTTP_THREADS": "4",
        "LOG_LEVEL": "warning",
    }
    open_to_all, closed = {"HTTP_AUTH": "none"}, {"HTTP_AUTH": "token"}
    with ExitStack() as exits:
        accrual = exits.enter_context(serving(shared | open_to_all | enabled("ACCRUAL")))
        asked = {"LOYALTY_ACCRUAL_ADDRESS": accrual.url}
        apis = {
            name: exits.enter_context(serving(shared | closed | asked | enabled(name)))
            for name in DEPLOYMENTS
            if name != "ACCRUAL"
        }
        others = ("loyalty-poller", "accrual-calculator", "orders-consumer")
        ports = {"ACCOUNTS_GRPC_PORT": str(free_port()), "METRICS_WORKER_PORT": "0"}
        exits.enter_context(working(shared | asked | ports, *WORKERS, *others))
        folder = tmp_path_factory.mktemp("gateway")
        yield exits.enter_context(gateway(folder, {**apis, "ACCRUAL": accrual}))


def enabled(name: str) -> Environ:
    return {"CONTEXTS_ENABLED": DEPLOYMENTS[name]}


@pytest.fixture
def token(origin: Origin) -> str:
    person = {"login": uuid.uuid4().hex, "password": "correct horse battery"}
    return str(origin.post("/auth/registration", person).body["access_token"])


def test_what_is_bought_is_paid_for_and_found_as_an_order(origin: Origin, token: str) -> None:
    assert origin.post("/wallet", token=token).status == 201
    assert origin.post("/wallet/deposits", {"amount": 5_000}, token).status == 200
    bought = origin.post("/purchases", wish(1_999, 2, delivery=DELIVERY), token)
    assert bought.status == 202, bought
    purchase = f"/purchases/{bought.body['id']}"

    def settled() -> dict[str, Any]:
        found: dict[str, Any] = origin.get(purchase, token).body
        return found if found["status"] != "pending" else {}

    eventually(settled, 60, "the purchase is settled")
    assert settled()["status"] == "approved"
    assert origin.get("/wallet", token).body["balance"] == 1_002
    order = f"/order/{settled()['order_uid']}"
    eventually(lambda: origin.get(order, token).status == 200, 60, "the order is found")
    assert origin.get(order, token).body["delivery"]["name"] == DELIVERY["name"]
    assert origin.get(order).status == 401


def test_the_status_of_a_purchase_comes_through_while_it_changes(
    origin: Origin, token: str
) -> None:
    origin.post("/wallet", token=token)
    origin.post("/wallet/deposits", {"amount": 5_000}, token)
    bought = origin.post("/purchases", wish(1_000), token).body["id"]
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    request = urllib.request.Request(f"{origin.url}/purchases/{bought}/events", headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as stream:  # noqa: S310
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert b'"approved"' in stream.read()


def test_points_come_from_the_accrual_system_next_door(origin: Origin, token: str) -> None:
    rule = {"match": "Bork", "reward": 10, "reward_type": "%"}
    assert origin.post("/api/goods", rule).status in {200, 409}
    assert origin.post("/api/orders", {"order": NUMBER, "goods": GOODS}).status in {202, 409}
    assert origin.ask("POST", "/api/user/orders", NUMBER.encode(), token).status == 202

    def balance() -> Any:  # noqa: ANN401 - JSON
        return origin.get("/api/user/balance", token).body["current"]

    eventually(lambda: balance() == 700, 60, "the points are there")


@pytest.mark.parametrize("name", [name.lower() for name in DEPLOYMENTS])
def test_each_deployment_describes_its_own_routes(origin: Origin, name: str) -> None:
    described = origin.get(f"/openapi/{name}.json").body["paths"]
    known = {
        "orders": "/order/{order_uid}",
        "accounts": "/auth/login",
        "loyalty": "/api/user/balance",
        "accrual": "/api/goods",
        "payments": "/wallet",
        "checkout": "/purchases",
    }
    assert known[name] in described
    assert ("/wallet" in described) == (name == "payments")


def test_the_page_comes_from_the_same_origin(origin: Origin) -> None:
    answer = origin.get("/")
    assert answer.status == 200
    assert b"<title>" in answer.body
