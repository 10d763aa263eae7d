"""Errors: one form, whatever went wrong and wherever."""

import re
from collections.abc import Callable
from wsgiref.types import WSGIEnvironment

import pytest
import structlog
from werkzeug.test import EnvironBuilder, TestResponse

from tests.unit.http_support import (
    UID,
    MemoryLookup,
    Reply,
    ask,
    ask_with,
    client,
    json_of,
    services,
    whole_service,
)

MEMBERS = {"type", "title", "status", "detail", "errors", "request_id"}


def assert_is_problem(answer: TestResponse) -> None:
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = json_of(answer)
    assert set(problem) == MEMBERS
    assert problem["status"] == answer.status_code
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert problem["detail"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/order/unknown", 404),
        ("GET", "/order/a b", 400),
        ("GET", "/orders?limit=0", 400),
        ("GET", "/nowhere", 404),
        ("GET", "/order/", 404),
        ("GET", "/order/a/b", 404),
        ("GET", "/web/none.js", 404),
        ("POST", "/orders", 405),
        ("DELETE", f"/order/{UID}", 405),
        ("TRACE", "/", 405),
    ],
)
def test_every_error_is_a_problem(method: str, path: str, status: int) -> None:
    answer = client().open(path, method=method)
    assert answer.status_code == status
    assert_is_problem(answer)


def test_405_says_which_methods_are_allowed() -> None:
    allow = client().post(f"/order/{UID}").headers["Allow"]
    assert {method.strip() for method in allow.split(",")} == {"GET", "HEAD", "OPTIONS"}


def test_options_says_which_methods_are_allowed() -> None:
    answer = client().options("/orders")
    assert answer.status_code == 200
    assert "GET" in answer.headers["Allow"]


def test_an_unexpected_error_tells_the_client_nothing_and_the_log_everything() -> None:
    lookup = MemoryLookup()
    lookup.broken = True
    with structlog.testing.capture_logs(
        processors=[structlog.contextvars.merge_contextvars]
    ) as logs:
        answer = client(services(lookup)).get("/order/x", headers={"X-Request-ID": "req-1"})
    assert answer.status_code == 500
    assert_is_problem(answer)
    assert "hunter2" not in answer.text
    assert logs[0]["request_id"] == "req-1"
    assert str(logs[0]["exc_info"][1]) == "password=hunter2"


def test_the_request_id_does_not_outlive_its_request() -> None:
    client().get("/order/x", headers={"X-Request-ID": "req-1"})
    assert "request_id" not in structlog.contextvars.get_contextvars()


@pytest.mark.parametrize("given", ["a", "A.b_c-9", "x" * 128])
def test_a_harmless_request_id_is_taken_over(given: str) -> None:
    answer = client().get("/orders", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a,b", "é", "<script>"])
def test_any_other_request_id_is_replaced(given: str) -> None:
    answer = client().get("/orders", headers={"X-Request-ID": given})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])


def _with(**changes: str) -> Callable[[], WSGIEnvironment]:
    def environ() -> WSGIEnvironment:
        return EnvironBuilder(f"/order/{UID}").get_environ() | changes

    return environ


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        (_with(REQUEST_METHOD="BREW"), 501),
        (_with(PATH_INFO="/" + "x" * 9000), 414),
        (_with(QUERY_STRING="x" * 9000, PATH_INFO="/orders"), 414),
        (
            _with(HTTP_X_A="x" * 17000, PATH_INFO="/orders"),
            431,
        ),
        (_with(CONTENT_LENGTH="70000"), 413),
        (_with(CONTENT_LENGTH="-1"), 400),
        (_with(CONTENT_LENGTH="5", HTTP_TRANSFER_ENCODING="chunked"), 400),
    ],
)
def test_what_is_too_large_or_malformed_is_refused_before_flask(
    environ: Callable[[], WSGIEnvironment], status: int
) -> None:
    reply = ask_with(whole_service(), environ())
    headers = dict(reply.headers)
    assert int(reply.status[:3]) == status
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["Content-Length"] == str(len(reply.body))
    assert headers["X-Request-ID"].encode() in reply.body


def test_a_refused_head_request_has_no_body() -> None:
    reply = ask(whole_service(), "HEAD", "/" + "x" * 9000)
    assert reply.status.startswith("414")
    assert reply.body == b""


def test_a_small_body_on_a_route_that_takes_none_is_ignored() -> None:
    environ = EnvironBuilder(f"/order/{UID}", data=b"hello", method="GET").get_environ()
    assert ask_with(whole_service(), environ).status == "200 OK"


def test_refusals_are_counted_without_labels_that_clients_make_up() -> None:
    app = whole_service()
    for method in ("BREW", "FOO"):
        ask(app, method, "/")
    metrics = ask(app, "GET", "/metrics").body.decode()
    assert 'order_service_http_request_total{method="other",status="501"} 2.0' in metrics
    assert "BREW" not in metrics


def test_security_headers_are_on_every_answer() -> None:
    app = whole_service()
    replies: list[Reply] = [
        ask(app, "GET", path)
        for path in ("/", "/order/x", f"/order/{UID}", "/metrics", "/" + "x" * 9000)
    ]
    for reply in replies:
        headers = dict(reply.headers)
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
