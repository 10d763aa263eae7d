"""Closed reading: who has no key sees no data, on any way through the service."""

import threading
from collections.abc import Sequence
from wsgiref.types import WSGIApplication

import pytest

from order_service.contexts.access.errors import KeysUnavailableError
from order_service.contexts.access.keyring import Keyring
from order_service.contexts.access.model import StoredKey, digest_of, new_key
from order_service.contexts.access.wiring import KeyAuthenticator
from order_service.contexts.orders.ports import Level
from order_service.http.app import ApiServices, create_wsgi
from order_service.http.authentication import API_KEY
from order_service.http.front import Front
from tests.unit.http_support import (
    ETAG,
    UID,
    MemoryLookup,
    Reply,
    ask,
    flask_alone,
    services,
)

READER, SCRAPER = new_key(), new_key()
ORDER = f"/order/{UID}"


class MemoryKeys:
    """A KeyReader with two keys."""

    def __init__(self) -> None:
        self.away = False
        self.keys = [_stored("reader", READER, "orders:read")]
        self.keys.append(_stored("scraper", SCRAPER, "metrics:read"))

    def valid(self) -> Sequence[StoredKey]:
        if self.away:
            raise KeysUnavailableError("away")
        return self.keys


def _stored(name: str, key: str, scope: str) -> StoredKey:
    digest = digest_of(key)
    assert digest
    return StoredKey(name, digest, frozenset([scope]))


def keyring_of(reader: MemoryKeys, *, read: bool = True) -> Keyring:
    keyring = Keyring(reader, 1.0, threading.Event())
    if read:
        keyring.refresh()
    return keyring


def closed(lookup: MemoryLookup | None = None, keyring: Keyring | None = None) -> WSGIApplication:
    return create_wsgi(closed_services(lookup, keyring))


def closed_services(
    lookup: MemoryLookup | None = None, keyring: Keyring | None = None, *origins: str
) -> ApiServices:
    keys = KeyAuthenticator(keyring or keyring_of(MemoryKeys()))
    front = Front(origins, credentials=frozenset({API_KEY}))
    return services(lookup, front=front, authenticators=[keys])


def with_key(app: WSGIApplication, path: str, key: str = READER, method: str = "GET") -> Reply:
    return ask(app, method, path, {"Authorization": f"Bearer {key}"})


def challenge_of(reply: Reply) -> str:
    return dict(reply.headers).get("WWW-Authenticate", "")


@pytest.mark.parametrize("path", [ORDER, "/orders", "/metrics", "/nowhere", "/order/unknown"])
def test_without_a_key_nothing_is_told(path: str) -> None:
    lookup = MemoryLookup()
    reply = ask(closed(lookup), "GET", path)
    assert reply.status.startswith("401")
    assert challenge_of(reply) == 'Bearer realm="order-service"'
    assert dict(reply.headers)["Content-Type"] == "application/problem+json"
    assert dict(reply.headers)["Cache-Control"] == "no-store"
    assert lookup.asked == []
    assert UID.encode() not in reply.body


@pytest.mark.parametrize(
    "path", ["/", "/swagger/", "/swagger", "/openapi.json", "/health/live", "/health/ready"]
)
def test_the_page_the_description_and_health_are_open(path: str) -> None:
    assert not ask(closed(), "GET", path).status.startswith(("401", "403"))


@pytest.mark.parametrize(
    "path",
    [
        f"//order/{UID}",
        f"/web/../order/{UID}",
        f"/web/%2e%2e/order/{UID}",
        f"/health/../order/{UID}",
        f"/swagger//../../order/{UID}",
        f"/ORDER/{UID}",
        f"/%6frder/{UID}",
        "/metrics/",
        "/orders/",
        "//metrics",
        "/web/../metrics",
    ],
)
def test_no_way_of_writing_a_path_leads_around_the_key(path: str) -> None:
    lookup = MemoryLookup()
    reply = ask(closed(lookup), "GET", path)
    assert reply.status[:3] in {"401", "404", "308"}
    assert lookup.asked == []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("level", list(Level))
def test_a_key_admits_to_what_its_scope_says(method: str, level: Level) -> None:
    reply = with_key(closed(MemoryLookup(level)), ORDER, method=method)
    assert reply.status.startswith("200")
    assert with_key(closed(), "/orders").status.startswith("200")
    assert with_key(closed(), "/metrics", SCRAPER).status.startswith("200")


@pytest.mark.parametrize(
    ("path", "key", "scope"),
    [(ORDER, SCRAPER, "orders:read"), ("/metrics", READER, "metrics:read")],
    ids=["orders", "metrics"],  # keys are random, names of tests must not be
)
def test_a_key_without_the_scope_is_forbidden(path: str, key: str, scope: str) -> None:
    reply = with_key(closed(), path, key)
    assert reply.status.startswith("403")
    assert challenge_of(reply).endswith(f'error="insufficient_scope", scope="{scope}"')


@pytest.mark.parametrize(
    "given",
    [
        new_key(),
        READER[:-1],
        READER + "A",
        READER.swapcase(),
        "",
        "x",
        "ы" * 47,
        "osk_" + "\x00" * 43,
        READER + "\n",
    ],
    ids=lambda key: f"length {len(key)}",
)
def test_another_key_is_refused(given: str) -> None:
    environ_text = given.encode().decode("latin-1")
    reply = with_key(closed(), ORDER, environ_text.replace("\n", "") + "!" * given.count("\n"))
    assert reply.status.startswith("401")


@pytest.mark.parametrize(
    "header", [READER, f"Basic {READER}", "Bearer", f"Token {READER}"], ids=range(4)
)
def test_a_key_that_is_not_sent_as_a_bearer_is_not_seen(header: str) -> None:
    reply = ask(closed(), "GET", ORDER, {"Authorization": header})
    assert reply.status.startswith("401")


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
def test_the_scheme_is_written_in_any_case(scheme: str) -> None:
    reply = ask(closed(), "GET", ORDER, {"Authorization": scheme + READER})
    assert reply.status.startswith("200")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": f"Bearer {READER}"},
        {"Authorization": f"Bearer {READER}", "If-None-Match": ETAG},
        {"Authorization": f"Bearer {SCRAPER}"},
        {"Authorization": f"Bearer {new_key()}"},
        {"Authorization": "Basic eDp5"},
        {"If-None-Match": ETAG},
    ],
)
def test_the_hot_path_and_flask_alone_refuse_and_admit_alike(
    method: str, level: Level, headers: dict[str, str]
) -> None:
    headers = headers | {"X-Request-ID": "same"}
    given = [closed_services(MemoryLookup(level)) for _ in "ab"]
    whole = ask(create_wsgi(given[0]), method, ORDER, headers)
    flask = ask(flask_alone(given[1]), method, ORDER, headers)
    assert whole == flask


def test_a_revoked_key_is_refused_after_the_next_reading() -> None:
    reader = MemoryKeys()
    keyring = keyring_of(reader)
    app = closed(keyring=keyring)
    assert with_key(app, ORDER).status.startswith("200")
    reader.keys = reader.keys[1:]
    keyring.refresh()
    assert with_key(app, ORDER).status.startswith("401")


def test_a_new_key_is_known_at_once_and_guesses_ask_once_a_second() -> None:
    readings, now = [], [100.0]

    class Reader(MemoryKeys):
        def valid(self) -> Sequence[StoredKey]:
            readings.append(now[0])
            return super().valid()

    reader, fresh = Reader(), new_key()
    keyring = Keyring(reader, 60.0, threading.Event(), lambda: now[0])
    keyring.refresh()
    reader.keys.append(_stored("fresh", fresh, "orders:read"))
    assert keyring.caller(fresh) == ("fresh", frozenset(["orders:read"]))
    for _ in range(20):
        assert keyring.caller(new_key()) is None
    assert readings == [100.0, 100.0]
    now[0] += 1.0
    assert keyring.caller(new_key()) is None
    assert keyring.caller("no key at all") is None
    assert readings == [100.0, 100.0, 101.0]


def test_known_keys_stay_in_force_while_the_database_is_away() -> None:
    reader = MemoryKeys()
    keyring = keyring_of(reader)
    reader.away = True
    keyring.refresh()
    app = closed(keyring=keyring)
    assert with_key(app, ORDER).status.startswith("200")
    assert with_key(app, ORDER, new_key()).status.startswith("401")


def test_keys_that_were_never_read_admit_nobody() -> None:
    keyring = keyring_of(MemoryKeys(), read=False)
    lookup = MemoryLookup()
    reply = with_key(closed(lookup, keyring), ORDER)
    assert reply.status.startswith("503")
    assert dict(reply.headers)["Retry-After"] == "1"
    assert lookup.asked == []
    with pytest.raises(KeysUnavailableError):
        keyring.check()


def test_keys_are_read_again_and_again_until_the_process_stops() -> None:
    stopping, twice = threading.Event(), threading.Event()
    readings = []

    class Reader(MemoryKeys):
        def valid(self) -> Sequence[StoredKey]:
            readings.append(1)
            if len(readings) == 2:
                raise RuntimeError("unforeseen")
            if len(readings) == 3:
                twice.set()
            return super().valid()

    thread = Keyring(Reader(), 0.001, stopping).start()
    assert twice.wait(10)
    stopping.set()
    thread.join(10)
    assert not thread.is_alive()


def test_refusals_are_counted() -> None:
    app = closed()
    ask(app, "GET", ORDER)
    metrics = with_key(app, "/metrics", SCRAPER).body.decode()
    assert 'order_service_http_request_total{method="GET",status="401"} 1.0' in metrics


def test_no_answer_and_no_log_holds_the_key(capsys: pytest.CaptureFixture[str]) -> None:
    key = new_key()
    reply = with_key(closed(), ORDER, key)
    shown = f"{reply}{capsys.readouterr()}"
    assert key not in shown
