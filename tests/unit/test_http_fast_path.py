"""The hot path in front of Flask answers as Flask does, and counts as Flask does."""

from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import EnvironBuilder

from order_service.contexts.orders.ports import Level
from order_service.http.fast_path import FastPaths
from order_service.http.metering import HttpMeter
from tests.unit.http_support import (
    ETAG,
    UID,
    MemoryLookup,
    Reply,
    ask,
    ask_with,
    flask_alone,
    services,
    whole_service,
)


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
    assert without_id(hot) == without_id(flask)
    assert [name for name, _ in hot.headers] == [name for name, _ in flask.headers]


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
    whole = ask(whole_service(), method, path, {"X-Request-ID": "same"})
    flask = ask(flask_alone(), method, path, {"X-Request-ID": "same"})
    assert whole == flask


def test_a_request_with_a_body_is_left_to_the_guard() -> None:
    environ = EnvironBuilder(f"/order/{UID}", method="GET", data=b"x").get_environ()
    with pytest.raises(AssertionError):
        ask_with(hot_path_alone(MemoryLookup()), environ)


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

    hot, flask = counts(whole_service()), counts(flask_alone())
    assert hot == flask
    assert sum(hot.values()) == 8
