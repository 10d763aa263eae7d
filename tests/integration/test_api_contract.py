"""Every answer of the whole service, on real stores, is as its own description says.

Schemathesis makes the requests from the description: plain ones, ones at the edges of the
schemas, and malformed ones. What it gets is checked against the same description: status,
content type, headers and body. The service is asked as a server asks it, hot path included.
"""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from redis import Redis
from schemathesis import Case, GenerationMode
from schemathesis.schemas import BaseSchema
from werkzeug.test import Client, TestResponse

from order_service.bootstrap.api_process import Api
from order_service.context import backends
from order_service.contexts.access.wiring import key_issuing
from order_service.contexts.orders.postgres import PostgresOrders
from order_service.embedded.valkey import ValkeyServer
from tests.backends import Environ, api_of, process_of
from tests.builders import record

UIDS = [f"order-{number}" for number in range(30)]
SETTINGS = {"ORDERS_CACHE_WARM_UP": "10", "POSTGRES_STATEMENT_TIMEOUT": "30"}
UNKNOWN_TO_ALL = f"/order/{'x' * 64}"


@pytest.fixture
def environ(
    postgres_orders: PostgresOrders,
    shared_database: Environ,
    valkey_server: ValkeyServer,
    valkey: Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> Environ:
    """The environment of a service with thirty orders and a cold cache."""
    valkey.flushall()
    # A machine that is busy must not look like a database that is away.
    monkeypatch.setattr(backends, "CHECKOUT_TIMEOUT", 30.0)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    postgres_orders.save(
        [
            record(uid, offset, date_created=start + timedelta(hours=offset))
            for offset, uid in enumerate(UIDS)
        ]
    )
    return shared_database | valkey_server.environment() | SETTINGS


def service(environ: Environ, **settings: str) -> "closing[Api]":
    return closing(api_of(environ | settings))


@pytest.fixture
def described(environ: Environ) -> Iterator[BaseSchema]:
    """The description of a service, with the service itself behind it."""
    with service(environ) as worker:
        yield schemathesis.openapi.from_wsgi("/openapi.json", worker)


ORDER, ORDERS = "/order/{order_uid}", "/orders"


# The service's own threads draw random numbers (for pauses and lifetimes) while Hypothesis draws.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
# Its own pytest integration does not know this pytest yet: the strategies are used directly.
@pytest.mark.parametrize(
    ("rule", "mode"),
    [
        (ORDER, GenerationMode.POSITIVE),
        (ORDER, GenerationMode.NEGATIVE),
        (ORDERS, GenerationMode.POSITIVE),
        (ORDERS, GenerationMode.NEGATIVE),
        ("/health/live", GenerationMode.POSITIVE),
        ("/health/ready", GenerationMode.POSITIVE),
    ],
)
def test_every_answer_is_as_described(
    described: BaseSchema, rule: str, mode: GenerationMode
) -> None:
    @settings(max_examples=100, suppress_health_check=list(HealthCheck))
    @given(described[rule]["GET"].as_strategy(generation_mode=mode))
    def check(case: Case[Any]) -> None:
        # Schemathesis asks for gzip, which its WSGI client then does not unpack.
        case.call_and_validate(headers={"Accept-Encoding": "identity"})

    check()


def ask(worker: Api, path: str, **headers: str) -> TestResponse:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client(worker).get(path, headers=fields)


def conforms(worker: Api, rule: str, answer: TestResponse) -> bool:
    """Whether the answer is as the description says; raises what is wrong otherwise."""
    described = schemathesis.openapi.from_wsgi("/openapi.json", worker)
    return described[rule]["GET"].validate_response(answer) is None


@pytest.mark.parametrize(
    ("rule", "path", "status"),
    [
        (ORDER, f"/order/{UIDS[0]}", 200),
        (ORDER, UNKNOWN_TO_ALL, 404),
        (ORDER, "/order/a b", 400),
        (ORDERS, "/orders?limit=7", 200),
        (ORDERS, "/orders?limit=100&customer_id=test", 200),
        (ORDERS, "/orders?created_from=2026-01-01T05:00:00Z", 200),
        (ORDERS, "/orders?limit=0&x=1", 400),
        ("/health/live", "/health/live", 200),
        ("/health/ready", "/health/ready", 200),
    ],
)
def test_usual_answers_are_as_described(
    environ: Environ, rule: str, path: str, status: int
) -> None:
    with service(environ) as worker:
        for _ in ("from the database", "from the cache"):
            answer = ask(worker, path)
            assert answer.status_code == status
            assert conforms(worker, rule, answer)


def test_an_order_that_did_not_change_is_as_described(environ: Environ) -> None:
    with service(environ) as worker:
        etag = ask(worker, f"/order/{UIDS[0]}").headers["ETag"]
        answer = ask(worker, f"/order/{UIDS[0]}", If_None_Match=etag)
        assert answer.status_code == 304
        assert conforms(worker, ORDER, answer)


def test_trouble_is_as_described(environ: Environ, monkeypatch: pytest.MonkeyPatch) -> None:
    away = {"POSTGRES_PORT": "1", "ORDERS_CACHE_WARM_UP": "0"}
    monkeypatch.setattr(backends, "CHECKOUT_TIMEOUT", 0.2)
    with service(environ, **away) as worker:
        for rule, path in ((ORDER, UNKNOWN_TO_ALL), (ORDERS, "/orders")):
            answer = ask(worker, path)
            assert answer.status_code == 503
            assert conforms(worker, rule, answer)
        degraded = ask(worker, "/health/ready")
        assert (degraded.status_code, degraded.get_json()["status"]) == (200, "degraded")
        assert conforms(worker, "/health/ready", degraded)
    with service(environ, **away, REDIS_URL="redis://127.0.0.1:1/0") as worker:
        failing = ask(worker, "/health/ready")
        assert failing.status_code == 503
        assert conforms(worker, "/health/ready", failing)


def test_refusals_are_as_described(environ: Environ) -> None:
    with process_of(environ) as process:
        issuing = key_issuing(process)
        scraper = issuing.create("contract-scraper", {"metrics:read"})
        reader = issuing.create("contract-reader", {"orders:read"})
    with service(environ, HTTP_AUTH="api_key") as worker:
        for key, status in ((None, 401), (scraper, 403), (reader, 200)):
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            for rule, path in ((ORDER, f"/order/{UIDS[0]}"), (ORDERS, "/orders")):
                answer = ask(worker, path, **headers)
                assert answer.status_code == status
                assert conforms(worker, rule, answer)
        assert ask(worker, "/metrics", Authorization=f"Bearer {scraper}").status_code == 200
    with process_of(environ) as process:
        key_issuing(process).revoke("contract-scraper")
        key_issuing(process).revoke("contract-reader")


def test_a_client_that_asks_too_often_is_answered_as_described(environ: Environ) -> None:
    with service(environ, HTTP_RATE_LIMIT="0.01") as worker:
        described = schemathesis.openapi.from_wsgi("/openapi.json", worker)
        answer = ask(worker, "/orders")
        assert answer.status_code == 429
        described[ORDERS]["GET"].validate_response(answer)


def test_pages_follow_each_other_without_gap_or_repetition(environ: Environ) -> None:
    seen: list[str] = []
    with service(environ) as worker:
        query = "limit=7"
        while query:
            page = ask(worker, f"/orders?{query}").get_json()
            seen += [order["order_uid"] for order in page["orders"]]
            query = f"limit=7&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert seen == UIDS[::-1]


def test_a_range_of_dates_includes_its_beginning_and_not_its_end(environ: Environ) -> None:
    bounds = "created_from=2026-01-01T05:00:00Z&created_before=2026-01-01T10:00:00%2B02:00"
    with service(environ) as worker:
        page = ask(worker, f"/orders?{bounds}").get_json()
    assert [order["order_uid"] for order in page["orders"]] == ["order-7", "order-6", "order-5"]


def test_a_worker_that_is_closed_leaves_no_thread_behind(environ: Environ) -> None:
    before = {thread.name for thread in threading.enumerate()}
    worker = api_of(environ | {"HTTP_AUTH": "api_key"})
    assert {"keyring"} <= {thread.name for thread in threading.enumerate()} - before
    worker.close()
    worker.close()
    left = {thread.name for thread in threading.enumerate()} - before
    assert left == set()
