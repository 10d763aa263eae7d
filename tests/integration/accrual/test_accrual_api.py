"""The routes of the accrual system, to the letter of their contract."""

import gzip
import json
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from order_service.contexts.accrual.calculating import Calculation
from order_service.contexts.accrual.metrics import CalculationMetrics
from order_service.contexts.accrual.postgres import PostgresAccruals
from order_service.metrics import process_registry
from tests.backends import Environ, process_of
from tests.integration.accrual.conftest import NewClient

BORK = {"match": "Bork", "reward": 5, "reward_type": "%"}
ORDER = {
    "order": "12345678903",
    "goods": [
        {"description": "Стиральная машинка LG", "price": 47399.99},
        {"description": "Телевизор Bork", "price": 14599.50},
    ],
}


@pytest.fixture
def client(new_client: NewClient) -> Client:
    return new_client()


def post(client: Client, path: str, body: object) -> TestResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(path, data=data, content_type="application/json")


def calculate(environ: Environ) -> None:
    with process_of(environ) as process:
        store = PostgresAccruals(process.database(1))
        assert Calculation(store, CalculationMetrics(process_registry())).step()


def test_an_order_is_registered_calculated_and_told(
    client: Client, shared_database: Environ
) -> None:
    rule, registered = post(client, "/api/goods", BORK), post(client, "/api/orders", ORDER)
    assert (rule.status_code, registered.status_code, registered.data) == (200, 202, b"")
    # Of what type is what is not there?
    assert "Content-Type" not in rule.headers
    assert "Content-Type" not in registered.headers
    waiting = client.get("/api/orders/12345678903")
    assert waiting.status_code == 200
    assert waiting.json == {"order": "12345678903", "status": "REGISTERED"}
    calculate(shared_database)
    done = client.get("/api/orders/12345678903")
    assert done.content_type == "application/json"
    assert done.data == b'{"order":"12345678903","status":"PROCESSED","accrual":729.98}'


def test_a_match_is_registered_once_whatever_its_case(client: Client) -> None:
    assert post(client, "/api/goods", BORK).status_code == 200
    again = {"match": "bORK", "reward": 42, "reward_type": "pt"}
    assert post(client, "/api/goods", again).status_code == 409


def test_an_order_is_registered_once(client: Client) -> None:
    assert post(client, "/api/orders", ORDER).status_code == 202
    other = {**ORDER, "goods": [{"description": "Холодильник Beko", "price": 1}]}
    assert post(client, "/api/orders", other).status_code == 409


def test_an_order_that_nobody_registered_has_no_content(client: Client) -> None:
    for number in ("9278923470", "12345678901", "abc", "0"):
        answer = client.get(f"/api/orders/{number}")
        assert (answer.status_code, answer.data) == (204, b"")


@pytest.mark.parametrize(
    "body",
    [
        {**BORK, "match": ""},
        {**BORK, "match": "  "},
        {**BORK, "match": "a\0b"},
        {**BORK, "match": "a" * 256},
        {**BORK, "match": 5},
        {**BORK, "reward": 0},
        {**BORK, "reward": -10},
        {**BORK, "reward": "10"},
        {**BORK, "reward": True},
        {**BORK, "reward": 0.00001},
        {**BORK, "reward": None},
        {**BORK, "reward_type": "USD"},
        {**BORK, "reward_type": ""},
        {"match": "Bork", "reward": 5},
        {"reward": 5, "reward_type": "%"},
        [],
        "Bork",
        b"",
        b"{",
        b'{"match": "Bork", "reward": NaN, "reward_type": "%"}',
        b'{"match": "Bork", "reward": 1e400, "reward_type": "%"}',
        b'{"match": "\xff", "reward": 5, "reward_type": "%"}',
        b'{"match": "\\ud800", "reward": 5, "reward_type": "%"}',
    ],
)
def test_what_is_no_rule_is_refused(client: Client, body: object) -> None:
    answer = post(client, "/api/goods", body)
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"


def good(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {**ORDER, "goods": [{"description": "Утюг", "price": 5, **fields}]}


@pytest.mark.parametrize(
    "body",
    [
        {**ORDER, "order": "12345678901"},
        {**ORDER, "order": "1234 5678 903"},
        {**ORDER, "order": ""},
        {**ORDER, "order": 12345678903},
        {**ORDER, "goods": []},
        {**ORDER, "goods": {}},
        {**ORDER, "goods": [{}]},
        {"order": "12345678903"},
        good(price=-1),
        good(price="5"),
        good(price=None),
        good(price=False),
        good(price=1.00001),
        good(description=""),
        good(description="a\0b"),
        good(description="a" * 2001),
        {**ORDER, "goods": [{"description": "Утюг", "price": 5}] * 1001},
    ],
)
def test_what_is_no_order_is_refused(client: Client, body: object) -> None:
    assert post(client, "/api/orders", body).status_code == 400
    assert client.get("/api/orders/12345678903").status_code == 204


def test_free_goods_are_taken(client: Client) -> None:
    for number, price in (("18", 0), ("26", 0.0)):
        body = {"order": number, "goods": [{"description": "pen", "price": price}]}
        assert post(client, "/api/orders", body).status_code == 202


def test_a_body_without_the_type_of_json_is_refused(client: Client) -> None:
    answer = client.post("/api/goods", data=json.dumps(BORK), content_type="text/plain")
    assert answer.status_code == 400


def test_bodies_may_be_compressed(client: Client) -> None:
    def send(body: bytes, coding: str = "gzip") -> int:
        headers = {"Content-Encoding": coding}
        options: dict[str, Any] = {"content_type": "application/json", "headers": headers}
        return client.post("/api/goods", data=body, **options).status_code

    packed = gzip.compress(json.dumps(BORK).encode())
    assert send(packed) == 200
    assert send(packed[:-3]) == 400
    assert send(packed + b"more") == 400
    assert send(b"no gzip") == 400
    assert send(packed, "br") == 415
    # 10 MB of spaces in 10 KB.
    assert send(gzip.compress(b" " * 10_000_000)) == 413


def test_too_many_questions_a_minute_are_told_when_to_come_back(new_client: NewClient) -> None:
    client = new_client(ACCRUAL_REQUESTS_PER_MINUTE="2")
    assert [client.get("/api/orders/18").status_code for _ in range(2)] == [204, 204]
    answer = client.get("/api/orders/18")
    assert answer.status_code == 429
    assert answer.content_type == "text/plain"
    assert answer.text == "No more than 2 requests per minute allowed"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


def test_it_can_be_closed_to_all_but_those_with_a_key(new_client: NewClient) -> None:
    client = new_client(HTTP_AUTH="api_key")
    assert post(client, "/api/goods", BORK).status_code == 401
    assert client.get("/api/orders/18").status_code == 401
