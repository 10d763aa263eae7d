"""The rate limit: fair to each client, bounded in memory, and not fooled by headers."""

from wsgiref.types import WSGIApplication, WSGIEnvironment

import pytest
from werkzeug.test import EnvironBuilder

from order_service.contexts.orders.ports import Level
from order_service.http.app import create_wsgi
from order_service.http.front import Front
from order_service.http.rate_limit import ClientAddress, TokenBuckets, told_apart_by
from tests.fakes import Clock
from tests.unit.http_support import UID, MemoryLookup, Reply, ask, ask_with, services

ORDER = f"/order/{UID}"


def limited(rate: float, *proxies: str, level: Level = Level.LOCAL) -> WSGIApplication:
    front = Front(rate_limit=rate, trusted_proxies=proxies)
    return create_wsgi(services(MemoryLookup(level), front=front))


def ask_from(app: WSGIApplication, address: str, forwarded: str = "", path: str = ORDER) -> Reply:
    environ = EnvironBuilder(path, environ_base={"REMOTE_ADDR": address}).get_environ()
    if forwarded:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded
    return ask_with(app, environ)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9%eth0", "2001:db8:1:2::/64"),
        ("anybody", None),
        ("", None),
    ],
)
def test_addresses_of_one_network_are_one_client(address: str, told: str | None) -> None:
    assert told_apart_by(address) == told


@pytest.mark.parametrize("level", list(Level))
def test_who_asks_too_often_is_told_when_to_come_back(level: Level) -> None:
    app = limited(0.01, level=level)
    assert ask_from(app, "10.0.0.1").status.startswith("200")
    reply = ask_from(app, "10.0.0.1")
    assert reply.status.startswith("429")
    headers = dict(reply.headers)
    assert 90 <= int(headers["Retry-After"]) <= 100
    assert headers["Content-Type"] == "application/problem+json"
    assert ask_from(app, "10.0.0.2").status.startswith("200")


def test_without_a_limit_nobody_asks_too_often() -> None:
    app = limited(0.0)
    assert all(ask_from(app, "10.0.0.1").status.startswith("200") for _ in range(50))


def test_probes_are_not_limited() -> None:
    app = limited(0.01)
    for _ in range(5):
        assert ask_from(app, "10.0.0.1", path="/health/live").status.startswith("200")


def test_refusals_are_counted() -> None:
    app = limited(0.01)
    for _ in range(3):
        ask_from(app, "10.0.0.1")
    metrics = ask_from(app, "10.0.0.9", path="/metrics").body.decode()
    assert 'order_service_http_request_total{method="GET",status="429"} 2.0' in metrics


def test_a_bucket_holds_a_second_and_fills_with_time(clock: Clock) -> None:
    buckets = TokenBuckets(10.0, clock=clock)
    assert [buckets.take("a") for _ in range(10)] == [0.0] * 10
    assert buckets.take("a") == pytest.approx(0.1)
    clock.now += 0.1
    assert buckets.take("a") == 0.0
    assert buckets.take("a") > 0.0
    clock.now += 1000.0
    assert [buckets.take("a") for _ in range(10)] == [0.0] * 10
    assert buckets.take("a") > 0.0


def test_who_is_refused_does_not_wait_longer_for_asking_again(clock: Clock) -> None:
    buckets = TokenBuckets(1.0, clock=clock)
    buckets.take("a")
    assert {buckets.take("a") for _ in range(10)} == {1.0}


def test_the_number_of_buckets_is_bounded(clock: Clock) -> None:
    buckets = TokenBuckets(1.0, most_clients=2, clock=clock)
    for client in "abc":
        assert buckets.take(client) == 0.0
    assert buckets.take("c") > 0.0
    assert buckets.take("b") > 0.0
    assert buckets.take("a") == 0.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


def environ_of(peer: str, forwarded: str | None = None) -> WSGIEnvironment:
    environ: WSGIEnvironment = {"REMOTE_ADDR": peer}
    if forwarded is not None:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded
    return environ


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "client"),
    [
        ([], "1.2.3.4", "9.9.9.9", "1.2.3.4"),
        (["10.0.0.0/8"], "1.2.3.4", "9.9.9.9", "1.2.3.4"),
        (["10.0.0.0/8"], "10.0.0.1", "9.9.9.9", "9.9.9.9"),
        (["10.0.0.0/8"], "10.0.0.1", "8.8.8.8, 9.9.9.9", "9.9.9.9"),
        (["10.0.0.0/8"], "10.0.0.1", "8.8.8.8, 9.9.9.9, 10.0.0.2", "9.9.9.9"),
        (["10.0.0.0/8"], "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        (["10.0.0.0/8"], "10.0.0.1", "9.9.9.9, garbage", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "", "10.0.0.1"),
        (["10.0.0.1"], "10.0.0.1", "9.9.9.9", "9.9.9.9"),
        (["10.0.0.0/8"], "::ffff:10.0.0.1", "9.9.9.9", "9.9.9.9"),
        ([], "2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ([], "fe80::1%eth0", "", "fe80::/64"),
        (["fd00::/8"], "fd00::1", "2001:db8::7", "2001:db8::/64"),
        (["10.0.0.0/8"], "", "9.9.9.9", ""),
    ],
)
def test_a_client_is_who_the_last_trusted_proxy_says(
    trusted: list[str], peer: str, forwarded: str, client: str
) -> None:
    assert ClientAddress(trusted).of(environ_of(peer, forwarded)) == client


def test_clients_behind_a_trusted_proxy_have_buckets_of_their_own() -> None:
    app = limited(0.01, "10.0.0.0/8")
    assert ask_from(app, "10.0.0.1", "9.9.9.1").status.startswith("200")
    assert ask_from(app, "10.0.0.1", "9.9.9.2").status.startswith("200")
    assert ask_from(app, "10.0.0.1", "9.9.9.1").status.startswith("429")


def test_who_claims_another_address_is_counted_by_the_own() -> None:
    app = limited(0.01)
    assert ask_from(app, "1.2.3.4", "9.9.9.1").status.startswith("200")
    assert ask_from(app, "1.2.3.4", "9.9.9.2").status.startswith("429")


def test_head_of_a_refusal_has_no_body() -> None:
    app = limited(0.01)
    ask(app, "HEAD", ORDER)
    reply = ask(app, "HEAD", ORDER)
    assert (reply.status[:3], reply.body) == ("429", b"")
