"""The routes for customers, to the letter of their contract."""

import gzip
import json
from collections.abc import Iterator
from datetime import datetime

import pytest
from werkzeug.test import Client

from order_service.contexts.loyalty.model import Status
from order_service.contexts.loyalty.numbers_postgres import PostgresPolling
from order_service.contexts.loyalty.ports import Result
from order_service.infra.luhn import check_digit
from tests.backends import Environ
from tests.integration.loyalty.people import Shop, opened_shop

ORDERS, BALANCE = "/api/user/orders", "/api/user/balance"
WITHDRAW, WITHDRAWALS = "/api/user/balance/withdraw", "/api/user/withdrawals"


@pytest.fixture(scope="module")
def shop(shared_database: Environ) -> Iterator[Shop]:
    with opened_shop(shared_database) as shop:
        yield shop


def luhn(payload: int) -> str:
    return f"{payload}{check_digit(str(payload))}"


def process(polling: PostgresPolling, number: str, points: int | None) -> None:
    lease = polling.claim(1000, 30)
    results = [Result(number, Status.PROCESSED, points, None, 0)]
    assert polling.settle(lease.token, results) == [number]


def test_without_a_token_nothing_is_told(shop: Shop) -> None:
    client = Client(shop.app)
    for path in (ORDERS, BALANCE, WITHDRAWALS, f"/loyalty/{shop.person().id}"):
        assert client.get(path).status_code == 401
    for path in (ORDERS, WITHDRAW, "/loyalty"):
        assert client.post(path, data=b"18", content_type="text/plain").status_code == 401


def test_a_cookie_takes_the_place_of_the_header(shop: Shop) -> None:
    client = Client(shop.app)
    client.set_cookie("access_token", shop.person().id)
    assert client.get(BALANCE).status_code == 200


def test_a_number_is_new_then_mine_and_anothers_for_others(shop: Shop) -> None:
    me, other = shop.person(), shop.person()
    assert [me.upload("12345678903"), me.upload("12345678903")] == [202, 200]
    assert other.upload("12345678903") == 409


@pytest.mark.parametrize(
    "number",
    ["12345678902", "0", "7", "abc", "1234 5678 903", " 18", "18\n", "\uff11\uff18", "1" * 300],
)
def test_what_is_no_number_is_refused(shop: Shop, number: str) -> None:
    me = shop.person()
    assert me.upload(number) == 422
    assert me.get(ORDERS).status_code == 204


def test_what_is_no_text_is_malformed(shop: Shop) -> None:
    me = shop.person()
    assert me.send(ORDERS, b"", "text/plain").status_code == 400
    assert me.send(ORDERS, b"\xff\xfe", "text/plain").status_code == 400
    assert me.send(ORDERS, b"18", "application/json").status_code == 400
    assert me.send(ORDERS, b"1" * 2000, "text/plain").status_code == 413
    assert me.send(ORDERS, b"18", "text/plain; charset=utf-8").status_code == 202


def test_the_list_of_numbers_is_newest_first_with_exact_points(
    shop: Shop, polling: PostgresPolling
) -> None:
    me = shop.person()
    empty = me.get(ORDERS)
    assert (empty.status_code, empty.content_type, empty.data) == (204, "application/json", b"")
    for number in ("9278923470", "12345678903", "346436439"):
        assert me.upload(number) == 202
    process(polling, "9278923470", 72998)
    answer = me.get(ORDERS)
    assert answer.content_type == "application/json"
    assert b'"accrual":729.98,' in answer.data
    newest, middle, oldest = json.loads(answer.data)
    assert [newest["number"], middle["number"]] == ["346436439", "12345678903"]
    assert newest.keys() == {"number", "status", "uploaded_at"}
    assert (oldest["status"], oldest["accrual"]) == ("PROCESSED", 729.98)
    assert datetime.fromisoformat(oldest["uploaded_at"]).tzinfo is not None
    assert me.get(BALANCE).data == b'{"current":729.98,"withdrawn":0}'


def test_lists_come_by_the_page_where_that_is_asked_for(shop: Shop) -> None:
    me = shop.rich(100)
    numbers = [luhn(payload) for payload in range(1000, 1007)]
    for number in numbers:
        assert me.upload(number) == 202
        assert me.post(WITHDRAW, {"order": number, "sum": 1}).status_code == 200
    for path, member in ((ORDERS, "number"), (WITHDRAWALS, "order")):
        found, page = [], me.get(f"{path}?limit=3")
        while True:
            found += [line[member] for line in json.loads(page.data)]
            if "Link" not in page.headers:
                break
            target, relation = page.headers["Link"].split(";")
            assert relation == ' rel="next"'
            page = me.get(target.strip("<>"))
        assert found == numbers[::-1]
        assert found == [line[member] for line in json.loads(me.get(path).data)]
        for query in ("limit=0", "limit=1001", "limit=x", "limit=3&cursor=1.x", "limit=3&cursor="):
            assert me.get(f"{path}?{query}").status_code == 400


def test_points_pay_for_an_order(shop: Shop) -> None:
    me = shop.rich(729.98)
    assert me.get(WITHDRAWALS).status_code == 204
    assert me.get(WITHDRAWALS).content_type == "application/json"
    paid = me.post(WITHDRAW, {"order": "2377225624", "sum": 523.47})
    assert (paid.status_code, paid.data) == (200, b"")
    assert me.get(BALANCE).data == b'{"current":206.51,"withdrawn":523.47}'
    (line,) = json.loads(me.get(WITHDRAWALS).data)
    assert line.keys() == {"order", "sum", "processed_at"}
    assert (line["order"], line["sum"]) == ("2377225624", 523.47)
    assert me.post(WITHDRAW, {"order": "18", "sum": 206.52}).status_code == 402
    assert me.post(WITHDRAW, {"order": "18", "sum": 206.51}).status_code == 200
    assert me.get(BALANCE).data == b'{"current":0,"withdrawn":729.98}'


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"order":"12345678902","sum":1}', 422),
        (b'{"order":"","sum":1}', 422),
        (b'{"order":"18","sum":0}', 422),
        (b'{"order":"18","sum":-1}', 422),
        (b'{"order":"18","sum":0.001}', 422),
        (b'{"order":"18","sum":1e400}', 422),
        (b'{"order":"18","sum":1e99999999999999999999}', 422),
        (b'{"order":"18","sum":9223372036854775808}', 422),
        (b'{"order":"18","sum":"1"}', 422),
        (b'{"order":"18","sum":true}', 422),
        (b'{"order":"18","sum":null}', 422),
        (b'{"order":"18","sum":NaN}', 400),
        (b'{"order":18,"sum":1}', 400),
        (b'{"order":"18"}', 400),
        (b'{"sum":1}', 400),
        (b"[]", 400),
        (b"", 400),
        (b"{", 400),
        (b"[" * 50_000, 400),
    ],
)
def test_what_is_no_withdrawal_changes_nothing(shop: Shop, body: bytes, status: int) -> None:
    me = shop.rich(10)
    answer = me.send(WITHDRAW, body, "application/json")
    assert answer.status_code == status, answer.data
    assert answer.content_type == "application/problem+json"
    assert me.get(BALANCE).data == b'{"current":10,"withdrawn":0}'


def test_the_same_withdrawal_again_gets_the_same_answer(shop: Shop) -> None:
    me, body = shop.rich(10), {"order": "18", "sum": 6}
    for _ in range(3):
        assert me.post(WITHDRAW, body, Idempotency_Key="a").status_code == 200
    assert me.get(BALANCE).data == b'{"current":4,"withdrawn":6}'
    for _ in range(2):
        assert me.post(WITHDRAW, body, Idempotency_Key="b").status_code == 402
    assert me.post(WITHDRAW, {**body, "sum": 3}, Idempotency_Key="a").status_code == 422
    # The key of another person is another key.
    assert shop.rich(10).post(WITHDRAW, body, Idempotency_Key="a").status_code == 200
    for key in ("", "a b", "ä", "a" * 256):
        assert me.post(WITHDRAW, body, Idempotency_Key=key).status_code == 400


def test_requests_and_answers_may_be_compressed(shop: Shop) -> None:
    me = shop.person()
    packed = gzip.compress(b"12345678903")
    sent = me.send(ORDERS, packed, "text/plain", Content_Encoding="gzip")
    assert sent.status_code == 202
    assert me.send(ORDERS, b"18", "text/plain", Content_Encoding="gzip").status_code == 400
    assert me.send(ORDERS, b"18", "text/plain", Content_Encoding="br").status_code == 415
    bomb = gzip.compress(b"1" * 10_000_000)
    assert me.send(ORDERS, bomb, "text/plain", Content_Encoding="gzip").status_code == 413
    for payload in range(2000, 2030):
        assert me.upload(luhn(payload)) == 202
    answer = me.get(ORDERS, **{"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(json.loads(gzip.decompress(answer.data))) == 31
    assert "Content-Encoding" not in me.get(ORDERS).headers


def test_money_does_not_move_while_a_session_cannot_be_asked_for(shop: Shop) -> None:
    me = shop.rich(10)
    shop.tokens.away = True
    try:
        assert me.get(BALANCE).status_code == 200
        assert me.post(WITHDRAW, {"order": "18", "sum": 1}).status_code == 503
        assert me.post("/loyalty", {"operation": "w", "balance": 1}).status_code == 503
    finally:
        shop.tokens.away = False
    assert me.get(BALANCE).data == b'{"current":10,"withdrawn":0}'


def test_an_answer_without_a_body_says_nothing_of_its_type(shop: Shop) -> None:
    me = shop.rich(10)
    number = luhn(77_000_000_001).encode()
    uploads = [me.send(ORDERS, number, "text/plain") for _ in range(2)]
    withdrawn = me.post(WITHDRAW, {"order": "18", "sum": 1})
    assert [each.status_code for each in (*uploads, withdrawn)] == [202, 200, 200]
    assert not any("Content-Type" in each.headers for each in (*uploads, withdrawn))
