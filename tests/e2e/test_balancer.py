"""Three whole API processes behind HAProxy: a session belongs to all of them, whoever dies."""

import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest

from order_service.contexts.orders.postgres import ISOLATION, PostgresOrders
from order_service.embedded.valkey import ValkeyServer
from tests.backends import Environ, process_of
from tests.builders import record
from tests.chaos.proxy import TcpProxy
from tests.e2e.api_process import Api, serving
from tests.e2e.gateway import PARTS, Origin, gateway
from tests.servers import started
from tests.waiting import eventually

PASSWORD = "correct horse battery"
REVOKED_WITHIN_S = 2.0
SETTINGS = {
    "HTTP_AUTH": "token",
    "HTTP_TRUSTED_PROXIES": "127.0.0.1",
    "ACCOUNTS_THROTTLE_REGISTRATIONS_PER_MINUTE": "0",
    "ORDERS_CACHE_WARM_UP": "0",
    "POSTGRES_CONNECT_TIMEOUT": "1",
    "LOG_LEVEL": "warning",
}


class Site(NamedTuple):
    """The processes and what is around them."""

    balancer: Origin
    apis: list[Api]
    postgres: TcpProxy
    redis: TcpProxy
    environ: Environ

    @property
    def processes(self) -> list[Origin]:
        return [Origin(api.url) for api in self.apis]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, shared_database: Environ) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("balancer")
    with ExitStack() as exits:
        valkey = exits.enter_context(started(ValkeyServer(folder / "valkey")))
        postgres_port = int(shared_database["POSTGRES_PORT"])
        postgres = exits.enter_context(TcpProxy(lambda: postgres_port))
        redis = exits.enter_context(TcpProxy(lambda: valkey.port))
        environ = {
            **shared_database,
            **SETTINGS,
            "POSTGRES_PORT": str(postgres.port),
            "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
        }
        apis = [exits.enter_context(serving(environ)) for _ in range(3)]
        servers = dict.fromkeys(PARTS, apis[0])
        servers |= {"ACCOUNTS_2": apis[1], "ACCOUNTS_3": apis[2]}
        balancer = exits.enter_context(gateway(folder, servers))
        yield Site(balancer, apis, postgres, redis, environ)


def registered(origin: Origin) -> dict[str, Any]:
    person = {"login": uuid.uuid4().hex, "password": PASSWORD}
    answer = origin.post("/auth/registration", person)
    assert answer.status == 200, answer
    return {**answer.body, **person}


def is_well(origin: Origin) -> bool:
    return bool(origin.get("/health/ready").body["status"] == "ok")


def refused_by_all(site: Site, token: str) -> bool:
    return all(each.get("/auth/info", token).status == 401 for each in site.processes)


def test_one_signs_in_another_renews_the_third_ends_the_session(site: Site) -> None:
    first, second, third = site.processes
    person = registered(first)
    renewed = second.post("/auth/refresh", {"refresh_token": person["refresh_token"]}).body
    token = renewed["access_token"]
    assert [each.get("/auth/info", token).status for each in site.processes] == [200] * 3
    assert third.post("/auth/logout", {"refresh_token": renewed["refresh_token"]}).status == 200
    began = time.monotonic()
    eventually(lambda: refused_by_all(site, token), REVOKED_WITHIN_S, "all refuse the token")
    assert time.monotonic() - began < REVOKED_WITHIN_S
    assert first.post("/auth/refresh", {"refresh_token": renewed["refresh_token"]}).status == 401


def test_without_redis_the_end_of_a_session_is_known_as_soon(site: Site) -> None:
    first, second, _ = site.processes
    person = registered(first)
    site.redis.refuse()
    try:
        assert second.post("/auth/logout", {"refresh_token": person["refresh_token"]}).status == 200
        token = person["access_token"]
        eventually(lambda: refused_by_all(site, token), REVOKED_WITHIN_S, "all refuse the token")
    finally:
        site.redis.heal()


def test_where_it_cannot_be_known_money_is_refused_and_the_rest_lives_on(site: Site) -> None:
    person = registered(site.balancer)
    token, uid = person["access_token"], f"order-{uuid.uuid4().hex[:12]}"
    with process_of(site.environ) as process:
        orders = PostgresOrders(process.database(1, ISOLATION))
        orders.save([record(uid, customer_id=person["user_id"])])
    assert [each.get(f"/order/{uid}", token).status for each in site.processes] == [200] * 3
    assert site.balancer.post("/wallet", token=token).status == 201
    site.postgres.refuse()
    try:
        for each in site.processes:
            assert each.get("/wallet", token).status == 503
            assert each.get("/admin/wallets/" + person["user_id"], token).status == 503
            assert each.get(f"/order/{uid}", token).status == 200
    finally:
        site.postgres.heal()
    eventually(lambda: all(map(is_well, site.processes)), 60, "all have it back")
    assert site.balancer.get("/wallet", token).status == 200


def test_people_behind_the_balancer_are_told_apart_by_their_address(site: Site) -> None:
    person = registered(site.balancer)
    (entry, *_) = site.balancer.get("/auth/sign-ins", person["access_token"]).body["sign_ins"]
    assert entry["address"] == "127.0.0.1"
    assert site.balancer.get("/metrics", person["access_token"]).status == 404


def test_the_death_of_a_process_ends_no_session(site: Site) -> None:
    people = [registered(site.balancer) for _ in range(6)]
    victim = site.apis[1]
    victim.process.send_signal(signal.SIGKILL)
    victim.process.wait(timeout=10)
    for person in people:
        assert site.balancer.get("/auth/info", person["access_token"]).status == 200
        again = site.balancer.post("/auth/refresh", {"refresh_token": person["refresh_token"]})
        assert again.status == 200, again
        login = {name: person[name] for name in ("login", "password")}
        assert site.balancer.post("/auth/login", login).status == 200
