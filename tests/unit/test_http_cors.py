"""Pages of other origins read only if the configuration names their origin."""

from wsgiref.types import WSGIApplication

import pytest

from order_service.contexts.orders.ports import Level
from order_service.http.app import create_wsgi
from order_service.http.front import Front
from tests.unit.http_support import UID, MemoryLookup, Reply, ask, flask_alone, services
from tests.unit.test_http_authentication import closed_services

SHOP = "https://shop.example"
ORDER = f"/order/{UID}"


def service(*origins: str, level: Level = Level.LOCAL) -> WSGIApplication:
    return create_wsgi(services(MemoryLookup(level), front=Front(origins=origins)))


def preflight(app: WSGIApplication, origin: str) -> Reply:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    return ask(app, "OPTIONS", ORDER, asked)


def cors_headers(reply: Reply) -> dict[str, str]:
    return {name: value for name, value in reply.headers if name.startswith("Access-Control-")}


def test_by_default_no_origin_may_read() -> None:
    for reply in (ask(service(), "GET", ORDER, {"Origin": SHOP}), preflight(service(), SHOP)):
        assert cors_headers(reply) == {}
        assert "Vary" not in dict(reply.headers)


@pytest.mark.parametrize("path", [ORDER, "/orders", "/order/unknown", "/order/a b"])
@pytest.mark.parametrize("level", list(Level))
def test_a_named_origin_may_read_every_answer(path: str, level: Level) -> None:
    reply = ask(service(SHOP, level=level), "GET", path, {"Origin": SHOP})
    assert cors_headers(reply)["Access-Control-Allow-Origin"] == SHOP
    assert "ETag" in cors_headers(reply)["Access-Control-Expose-Headers"]
    assert ("Vary", "Origin") in reply.headers


@pytest.mark.parametrize(
    "origin", ["https://shop.example.evil", "http://shop.example", "null", "https://SHOP.example"]
)
def test_another_origin_may_not(origin: str) -> None:
    for reply in (
        ask(service(SHOP), "GET", ORDER, {"Origin": origin}),
        preflight(service(SHOP), origin),
    ):
        assert cors_headers(reply).get("Access-Control-Allow-Origin") is None
        assert ("Vary", "Origin") in reply.headers


def test_all_origins_may_if_it_says_so() -> None:
    reply = ask(service("*"), "GET", ORDER, {"Origin": "https://any.example"})
    assert cors_headers(reply)["Access-Control-Allow-Origin"] == "*"
    assert "Vary" not in dict(reply.headers)


def test_no_answer_allows_credentials() -> None:
    for app in (service("*"), service(SHOP)):
        assert "Access-Control-Allow-Credentials" not in cors_headers(preflight(app, SHOP))


def test_a_browser_that_asks_first_is_told_what_it_may_send() -> None:
    reply = preflight(service(SHOP), SHOP)
    assert reply.status.startswith("204")
    assert cors_headers(reply)["Access-Control-Allow-Origin"] == SHOP
    assert "Authorization" in cors_headers(reply)["Access-Control-Allow-Headers"]
    assert cors_headers(reply)["Access-Control-Allow-Methods"] == "GET, HEAD"
    assert "X-Request-ID" in dict(reply.headers)
    assert reply.body == b""


def test_a_preflight_needs_no_key_and_a_refusal_can_be_read() -> None:
    app = create_wsgi(closed_services(None, None, SHOP))
    assert preflight(app, SHOP).status.startswith("204")
    refused = ask(app, "GET", ORDER, {"Origin": SHOP})
    assert refused.status.startswith("401")
    assert cors_headers(refused)["Access-Control-Allow-Origin"] == SHOP


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("level", list(Level))
def test_the_hot_path_and_flask_alone_answer_alike(method: str, level: Level) -> None:
    given = [services(MemoryLookup(level), front=Front(origins=(SHOP,))) for _ in "ab"]
    headers = {"Origin": SHOP, "X-Request-ID": "same"}
    whole = ask(create_wsgi(given[0]), method, ORDER, headers)
    assert whole == ask(flask_alone(given[1]), method, ORDER, headers)
