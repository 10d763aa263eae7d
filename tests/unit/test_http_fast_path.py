"""The hot path in front of Flask answers as Flask does, and counts as Flask does."""

import dataclasses
from typing import TYPE_CHECKING, Any, cast
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import EnvironBuilder

from order_service.contexts.orders.ports import Level
from order_service.http.access import Access
from order_service.http.app import Application
from order_service.http.fast_path import FastPaths
from order_service.http.front import Front
from order_service.http.metering import HttpMeter
from tests.unit.http_support import (
    ETAG,
    UID,
    MemoryLookup,
    Reply,
    ask,
    ask_quickly,
    ask_with,
    flask_alone,
    services,
    whole_service,
)

if TYPE_CHECKING:
    from order_service.infra.tracing.otlp import Tracer


class Unreachable:
    """Stands where Flask is when Flask must not be asked."""

    def __call__(self, environ: WSGIEnvironment, _: StartResponse) -> list[bytes]:
        raise AssertionError(environ["PATH_INFO"])


def hot_path_alone(lookup: MemoryLookup) -> WSGIApplication:
    given = services(lookup)
    whole_service(given)  # makes the metrics that the fast path counts in
    paths = [path for part in given.parts for path in part.fast_paths]
    return FastPaths(Unreachable(), paths, HttpMeter(given.registry))


def without_id(reply: Reply) -> Reply:
    return reply._replace(headers=[pair for pair in reply.headers if pair[0] != "X-Request-ID"])


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("level", [Level.LOCAL, Level.HIT])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"If-None-Match": ETAG},
        {"If-None-Match": "*"},
        {"If-None-Match": f"W/{ETAG}"},
        {"If-None-Match": f'"a" , W/"b",{ETAG}'},
        {"If-None-Match": '"a"'},
        {"If-None-Match": ""},
        {"If-None-Match": "garbage"},
        {"If-Match": '"a"'},
        {"If-Modified-Since": "Fri, 20 Nov 2026 12:00:00 GMT"},
        {"Range": "bytes=0-9"},
        {"Accept": "text/html"},
        {"Accept-Encoding": "gzip, br"},
        {"X-Request-ID": "mine"},
        {"Host": "elsewhere.example"},
        {"Cookie": "a=b"},
    ],
)
def test_hot_path_and_flask_answer_alike(
    method: str, level: Level, headers: dict[str, str]
) -> None:
    lookup = MemoryLookup(level)
    hot = ask(hot_path_alone(lookup), method, f"/order/{UID}", headers)
    flask = ask(flask_alone(services(lookup)), method, f"/order/{UID}", headers)
    quick = ask_quickly(whole_service(services(lookup)), method, f"/order/{UID}", headers)
    assert quick is not None
    for other in (hot, quick):
        assert without_id(other) == without_id(flask)
        assert [name for name, _ in other.headers] == [name for name, _ in flask.headers]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/order/unknown"),
        ("GET", "/order/"),
        ("GET", "/order/a/b"),
        ("GET", "/order/a%20b"),
        ("GET", f"/order/{UID}%0A"),
        ("GET", f"/order//{UID}"),
        ("GET", f"/order/{UID}?x=1"),
        ("GET", f"/ORDER/{UID}"),
        ("POST", f"/order/{UID}"),
        ("PUT", f"/order/{UID}"),
        ("OPTIONS", f"/order/{UID}"),
        ("GET", "/orders"),
    ],
)
def test_the_whole_service_answers_like_flask_alone(method: str, path: str) -> None:
    headers = {"X-Request-ID": "same"}
    whole = ask(whole_service(), method, path, headers)
    flask = ask(flask_alone(), method, path, headers)
    quick = ask_quickly(whole_service(), method, path, headers)
    assert whole == flask
    assert quick == (flask if path == "/order/unknown" else None)


def test_a_request_with_a_body_is_left_to_the_guard() -> None:
    environ = EnvironBuilder(f"/order/{UID}", method="GET", data=b"x").get_environ()
    with pytest.raises(AssertionError):
        ask_with(hot_path_alone(MemoryLookup()), environ)


def test_what_the_event_loop_does_not_foresee_is_left_to_flask() -> None:
    lookup = MemoryLookup(Level.MISS)
    lookup.broken = True
    assert ask_quickly(whole_service(services(lookup)), "GET", "/order/unknown") is None


def test_without_a_database_the_event_loop_says_so() -> None:
    lookup = MemoryLookup(Level.MISS)
    lookup.away = True
    answer = ask_quickly(whole_service(services(lookup)), "GET", "/order/unknown")
    assert answer is not None
    assert answer.status == "503 Service Unavailable"
    assert dict(answer.headers)["Retry-After"] == "1"


@pytest.mark.parametrize(
    "field",
    ["Content-Length", "Transfer-Encoding", "Expect"],
)
def test_a_request_that_says_something_of_a_body_is_left_to_the_guard(field: str) -> None:
    assert ask_quickly(whole_service(), "GET", f"/order/{UID}", {field: "0"}) is None


@pytest.mark.parametrize(
    "front",
    [
        Front(origins=("*",)),
        Front(rate_limit=1.0),
        Front(credentials=frozenset(["api_key"])),
        Front(tracer=cast("Tracer", object())),
    ],
)
def test_where_each_request_must_pass_a_door_the_event_loop_answers_none(front: Front) -> None:
    assert whole_service(services(front=front)).quick is None


@pytest.mark.parametrize(
    "own",
    [
        {"access": {"/order/": Access(personal=True), "/orders": None}},
        {"problem_faces": {"/order/": dict}},
    ],
)
def test_a_route_that_is_personal_or_has_problems_of_its_own_is_not_answered_there(
    own: dict[str, Any],
) -> None:
    given = services()
    parts = [dataclasses.replace(given.parts[0], **own), *given.parts[1:]]
    assert whole_service(dataclasses.replace(given, parts=parts)).quick is None


def test_the_same_request_again_gets_an_id_of_its_own_and_the_newest_order() -> None:
    lookup = MemoryLookup(Level.LOCAL)
    app = whole_service(services(lookup))
    first, second = (ask_quickly(app, "GET", f"/order/{UID}") for _ in range(2))
    assert first is not None
    assert second is not None
    assert first != second
    assert without_id(first) == without_id(second)


@pytest.mark.parametrize("uid", [UID, "unknown", "remembered"])
def test_an_order_is_looked_up_once_on_either_way(uid: str) -> None:
    for app in (whole_service, flask_alone):
        lookup = MemoryLookup(Level.MISS)
        ask(app(services(lookup)), "GET", f"/order/{uid}")
        assert lookup.asked == ["find"]


def test_a_miss_and_what_is_remembered_as_unknown_say_so() -> None:
    app = whole_service(services(MemoryLookup(Level.MISS)))
    miss, remembered = (ask(app, "GET", f"/order/{uid}") for uid in (UID, "remembered"))
    assert dict(miss.headers)["X-Cache"] == "miss"
    assert remembered.status.startswith("404")
    assert dict(remembered.headers)["X-Cache"] == "hit"


def test_requests_are_counted_in_the_same_series_on_both_ways() -> None:
    def counts(app: WSGIApplication) -> dict[str, float]:
        for method in ("GET", "GET", "HEAD"):
            ask(app, method, f"/order/{UID}")
        ask(app, "GET", f"/order/{UID}", {"If-None-Match": ETAG})
        text = ask(app, "GET", "/metrics").body.decode()
        return {
            f"{sample.name}{sorted(sample.labels.items())}": sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name.startswith("order_service_http")
            and sample.name.endswith(("_total", "_count"))
            and sample.value
        }

    def quickly(app: Application) -> dict[str, float]:
        for method in ("GET", "GET", "HEAD"):
            assert ask_quickly(app, method, f"/order/{UID}")
        assert ask_quickly(app, "GET", f"/order/{UID}", {"If-None-Match": ETAG})
        return counts(app)

    hot, flask = counts(whole_service()), counts(flask_alone())
    assert hot == flask
    assert quickly(whole_service()) == {name: 2 * value for name, value in hot.items()}
    assert sum(hot.values()) == 8
