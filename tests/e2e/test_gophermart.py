"""Both programs as their public contract has them: started with nothing but three variables."""

import json
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from order_service.embedded.postgres import PostgresServer
from order_service.infra.luhn import check_digit
from tests.e2e.standalone_process import Program, own_database, running
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(300)


class Both(NamedTuple):
    """The two programs, on one database."""

    gophermart: Program
    accrual: Program


@pytest.fixture(scope="module")
def both(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("programs")
    with (
        own_database(postgres_server, f"shop_{uuid.uuid4().hex}") as uri,
        running(Program("accrual", folder, {"DATABASE_URI": uri})) as accrual,
    ):
        environ = {"DATABASE_URI": uri, "ACCRUAL_SYSTEM_ADDRESS": f"http://{accrual.address}"}
        with running(Program("gophermart", folder, environ)) as gophermart:
            yield Both(gophermart, accrual)


@pytest.fixture(scope="module")
def random() -> Random:
    return Random()  # noqa: S311 - other numbers each time


def number(random: Random) -> str:
    payload = str(random.randrange(10**9, 10**12))
    return payload + check_digit(payload)


def sign_up(gophermart: Program) -> str:
    """Register somebody and return what the Authorization header said."""
    login = uuid.uuid4().hex[:12]
    body = json.dumps({"login": login, "password": f"pw-{uuid.uuid4().hex}"})
    answer = gophermart.json("/api/user/register", body)
    assert answer.status == 200, answer.data
    return answer.headers["Authorization"]


def upload(gophermart: Program, token: str, text: str) -> int:
    return gophermart.ask(
        "POST", "/api/user/orders", text.encode(), Content_Type="text/plain", Authorization=token
    ).status


def get(gophermart: Program, token: str, path: str) -> Any:  # noqa: ANN401 - any JSON
    answer = gophermart.ask("GET", path, Authorization=token)
    assert answer.status in {200, 204}
    assert answer.headers["Content-Type"].startswith("application/json")
    return json.loads(answer.data) if answer.status == 200 else None


def test_points_come_for_an_order_and_pay_for_another(both: Both, random: Random) -> None:
    gophermart, accrual = both
    brand, order = uuid.uuid4().hex, number(random)
    rule = f'{{"match": "{brand}", "reward": 5, "reward_type": "%"}}'
    assert accrual.json("/api/goods", rule).status == 200
    goods = [
        {"description": "Стиральная машинка LG", "price": 47399.99},
        {"description": f"Телевизор {brand}", "price": 14599.50},
    ]
    registered = json.dumps({"order": order, "goods": goods})
    assert accrual.json("/api/orders", registered).status == 202
    token = sign_up(gophermart)
    assert get(gophermart, token, "/api/user/orders") is None
    assert upload(gophermart, token, order) == 202
    eventually(
        lambda: get(gophermart, token, "/api/user/orders")[0]["status"] == "PROCESSED",
        20,
        "the order is processed",
    )
    (line,) = get(gophermart, token, "/api/user/orders")
    assert (line["number"], line["accrual"]) == (order, 729.98)
    assert get(gophermart, token, "/api/user/balance") == {"current": 729.98, "withdrawn": 0}
    paid = number(random)
    body = f'{{"order": "{paid}", "sum": 523.47}}'
    withdrawn = gophermart.json("/api/user/balance/withdraw", body, Authorization=token)
    assert withdrawn.status == 200
    assert get(gophermart, token, "/api/user/balance") == {"current": 206.51, "withdrawn": 523.47}
    (withdrawal,) = get(gophermart, token, "/api/user/withdrawals")
    assert (withdrawal["order"], withdrawal["sum"]) == (paid, 523.47)
    assert gophermart.json("/api/user/balance/withdraw", body, Authorization=token).status == 402


def test_a_number_belongs_to_one_person(both: Both, random: Random) -> None:
    gophermart = both.gophermart
    order = number(random)
    body = order.encode()
    assert gophermart.ask("POST", "/api/user/orders", body, Content_Type="text/plain").status == 401
    assert gophermart.ask("GET", "/api/user/orders").status == 401
    me, other = sign_up(gophermart), sign_up(gophermart)
    assert upload(gophermart, me, "12345678902") == 422
    assert [upload(gophermart, me, order) for _ in range(2)] == [202, 200]
    assert upload(gophermart, other, order) == 409
    (line,) = get(gophermart, me, "/api/user/orders")
    assert line["status"] in {"NEW", "PROCESSING"}
    assert get(gophermart, me, "/api/user/withdrawals") is None


def test_people_sign_up_and_in(both: Both) -> None:
    gophermart = both.gophermart
    login, password = uuid.uuid4().hex[:12], uuid.uuid4().hex
    body = json.dumps({"login": login, "password": password})
    assert gophermart.json("/api/user/register", body).status == 200
    assert gophermart.json("/api/user/register", body).status == 409
    signed_in = gophermart.json("/api/user/login", body)
    assert signed_in.status == 200
    cookie, *attributes = signed_in.headers["Set-Cookie"].split("; ")
    assert "Secure" not in attributes, "over plain HTTP it would never come back"
    assert gophermart.ask("GET", "/api/user/balance", Cookie=cookie).status == 200
    wrong = json.dumps({"login": login, "password": "wrong-password"})
    assert gophermart.json("/api/user/login", wrong).status == 401
    for malformed in ("", "{", "[]", '{"login": "x"}'):
        assert gophermart.json("/api/user/register", malformed).status == 400


def register(gophermart: Program, login: str) -> int:
    body = json.dumps({"login": login, "password": f"pw-{login}"})
    return gophermart.json("/api/user/register", body).status


def test_people_register_from_one_address_as_many_as_there_are(both: Both) -> None:
    gophermart = both.gophermart
    with ThreadPoolExecutor(50) as threads:
        logins = [uuid.uuid4().hex for _ in range(200)]
        assert set(threads.map(lambda login: register(gophermart, login), logins)) == {200}
        same = uuid.uuid4().hex
        statuses = list(threads.map(lambda _: register(gophermart, same), range(20)))
    assert sorted(statuses) == [200] + [409] * 19


def test_failed_logins_of_one_do_not_shut_others_out_at_the_same_address(both: Both) -> None:
    gophermart = both.gophermart
    one, other = uuid.uuid4().hex, uuid.uuid4().hex
    assert [register(gophermart, login) for login in (one, other)] == [200, 200]
    wrong = json.dumps({"login": one, "password": "wrong-password"})
    assert {gophermart.json("/api/user/login", wrong).status for _ in range(20)} == {401}
    right = json.dumps({"login": other, "password": f"pw-{other}"})
    assert gophermart.json("/api/user/login", right).status == 200


def test_the_accrual_system_calculates_alone(both: Both, random: Random) -> None:
    accrual = both.accrual
    chips, cola = uuid.uuid4().hex, uuid.uuid4().hex
    for body in (
        f'{{"match": "{chips}", "reward": 10, "reward_type": "%"}}',
        f'{{"match": "{cola}", "reward": 12.5, "reward_type": "pt"}}',
    ):
        assert accrual.json("/api/goods", body).status == 200
        assert accrual.json("/api/goods", body).status == 409
    order = number(random)
    goods = [
        {"description": "Чайник Tefal", "price": 7000},
        {"description": f"Чипсы {chips} бекон", "price": 147.5},
        {"description": f"Напиток {cola.upper()} 0.5л", "price": 55},
    ]
    body = json.dumps({"order": order, "goods": goods})
    registered = accrual.json("/api/orders", body)
    assert (registered.status, registered.headers.get("Content-Type")) == (202, None)
    assert accrual.json("/api/orders", body).status == 409

    def told() -> Any:  # noqa: ANN401 - any JSON
        answer = accrual.ask("GET", f"/api/orders/{order}")
        assert answer.status == 200
        return json.loads(answer.data)

    eventually(lambda: told()["status"] == "PROCESSED", 10, "the order is calculated")
    assert told() == {"order": order, "status": "PROCESSED", "accrual": 27.25}
    assert accrual.ask("GET", f"/api/orders/{number(random)}").status == 204


def test_without_an_accrual_system_numbers_wait_and_nobody_is_asked(
    postgres_server: PostgresServer, tmp_path: Path, random: Random
) -> None:
    with (
        own_database(postgres_server, f"shop_{uuid.uuid4().hex}") as uri,
        running(Program("gophermart", tmp_path, {"DATABASE_URI": uri})) as program,
    ):
        token = sign_up(program)
        assert upload(program, token, number(random)) == 202
        ready = json.loads(program.ask("GET", "/health/ready").data)
        assert (ready["status"], "loyalty-poller" in ready["parts"]) == ("ok", False)
        time.sleep(1)  # longer than a poller would wait
        (line,) = get(program, token, "/api/user/orders")
        assert line["status"] == "NEW"
        assert program.interrupt() == 0
    log = (tmp_path / "gophermart.log").read_text()
    assert log.count("no accrual system is named") == 1
    assert "gave no answer" not in log


def test_an_interrupt_ends_them_and_flags_win_over_the_environment(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    with own_database(postgres_server, f"shop_{uuid.uuid4().hex}") as uri:
        environ = {"DATABASE_URI": "postgresql://nobody@127.0.0.1:1/nothing"}
        with running(Program("accrual", tmp_path, environ, "-d", uri)) as program:
            assert program.ask("GET", "/api/orders/18").status == 204
            assert program.interrupt() == 0
        with running(Program("accrual", tmp_path, {"DATABASE_URI": uri})) as program:
            assert program.interrupt() == 0
