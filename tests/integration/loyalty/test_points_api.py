"""`/loyalty`: points as such, one's own and, for administrators, those of others."""

import json
from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.backends import Environ
from tests.integration.loyalty.people import Person, Shop, opened_shop


@pytest.fixture(scope="module")
def shop(shared_database: Environ) -> Iterator[Shop]:
    with opened_shop(shared_database) as shop:
        yield shop


def points(person: Person, owner: Person | None = None) -> object:
    answer = person.get(f"/loyalty/{(owner or person).id}")
    return json.loads(answer.data)["balance"] if answer.status_code == 200 else answer.status_code


def test_people_withdraw_their_own_points(shop: Shop) -> None:
    me = shop.rich(100)
    answer = me.post("/loyalty", {"operation": "w", "balance": 30.5, "comment": "tea"})
    assert answer.status_code == 200
    assert json.loads(answer.data) == {"status": "Success", "uuid": me.id, "balance": 69.5}
    same = {"operation": "w", "balance": 9.5, "comment": "", "uuid": me.id}
    assert me.post("/loyalty", same).status_code == 200
    assert me.post("/loyalty", {"operation": "w", "balance": 60.01}).status_code == 402
    assert points(me) == 60


def test_people_neither_see_nor_move_points_of_others_nor_make_their_own(shop: Shop) -> None:
    me, other = shop.rich(10), shop.rich(10)
    assert points(me, other) == 403
    assert me.get(f"/loyalty/{other.id}/entries").status_code == 403
    for operation, owner in (("w", other), ("d", other), ("d", me)):
        body = {"operation": operation, "balance": 1, "uuid": owner.id}
        assert me.post("/loyalty", body).status_code == 403
    assert me.post(f"/admin/loyalty/{me.id}/credits", {"amount": 1}).status_code == 403
    assert me.post(f"/admin/loyalty/{me.id}/reversals", {"movement": me.id}).status_code == 403
    assert points(me) == points(other) == 10


def test_administrators_book_for_anybody(shop: Shop) -> None:
    admin, person = shop.admin(), shop.person()
    credit = {"operation": "d", "balance": 50, "comment": "birthday", "uuid": person.id}
    assert json.loads(admin.post("/loyalty", credit).data)["balance"] == 50
    path = f"/admin/loyalty/{person.id}"
    assert admin.post(f"{path}/credits", {"amount": 5, "comment": "x"}).status_code == 200
    assert admin.post(f"{path}/debits", {"amount": 15}).status_code == 200
    assert admin.post(f"{path}/debits", {"amount": 40.01}).status_code == 402
    debit = {"operation": "w", "balance": 10, "uuid": person.id}
    assert json.loads(admin.post("/loyalty", debit).data)["balance"] == 30
    assert points(admin, person) == 30


def test_administrators_take_movements_back_once(shop: Shop) -> None:
    admin, person = shop.admin(), shop.rich(10)
    person.post("/loyalty", {"operation": "w", "balance": 4, "comment": "oops"})
    (movement, _) = json.loads(person.get(f"/loyalty/{person.id}/entries").data)
    path, body = f"/admin/loyalty/{person.id}/reversals", {"movement": movement["movement"]}
    assert json.loads(admin.post(path, body).data)["balance"] == 10
    assert admin.post(path, body).status_code == 409
    assert admin.post(path, {"movement": person.id}).status_code == 404
    assert admin.post(path, {"movement": "x"}).status_code == 400
    newest = json.loads(person.get(f"/loyalty/{person.id}/entries?limit=1").data)[0]
    assert (newest["kind"], newest["reverses"]) == ("reversal", movement["movement"])


def test_a_reversal_that_is_sent_again_gets_the_same_answer(shop: Shop) -> None:
    admin, person = shop.admin(), shop.rich(10)
    for balance in (4, 1):
        person.post("/loyalty", {"operation": "w", "balance": balance})
    newest, older, credit = json.loads(person.get(f"/loyalty/{person.id}/entries").data)
    path = f"/admin/loyalty/{person.id}/reversals"
    body = {"movement": older["movement"]}
    answers = [admin.post(path, body, Idempotency_Key="k") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert {json.loads(answer.data)["balance"] for answer in answers} == {9}
    assert admin.post(path, body).status_code == 409
    other = {"movement": newest["movement"]}
    assert admin.post(path, other, Idempotency_Key="k").status_code == 422
    assert points(person) == 9
    # A refusal is an answer, too.
    refused = {"movement": credit["movement"]}
    assert admin.post(path, refused, Idempotency_Key="l").status_code == 402
    admin.post(f"/admin/loyalty/{person.id}/credits", {"amount": 5})
    assert admin.post(path, refused, Idempotency_Key="l").status_code == 402
    assert admin.post(path, other, Idempotency_Key="a b").status_code == 400


def test_what_took_a_movement_back_stays(shop: Shop) -> None:
    admin, person = shop.admin(), shop.rich(10)
    assert person.post("/api/user/balance/withdraw", {"order": "18", "sum": 4}).status_code == 200
    path = f"/admin/loyalty/{person.id}/reversals"
    for status in (200, 409):
        newest = json.loads(person.get(f"/loyalty/{person.id}/entries?limit=1").data)[0]
        answer = admin.post(path, {"movement": newest["movement"]})
        assert answer.status_code == status
    assert "book the points anew" in json.loads(answer.data)["detail"]
    assert person.get("/api/user/withdrawals").status_code == 204
    assert points(person) == 10


def test_the_history_shows_every_movement(shop: Shop) -> None:
    me = shop.person()
    assert me.get(f"/loyalty/{me.id}/entries").status_code == 204
    me = shop.rich(10)
    me.post("/loyalty", {"operation": "w", "balance": 4, "comment": "tea"})
    newest, oldest = json.loads(me.get(f"/loyalty/{me.id}/entries").data)
    assert (newest["kind"], newest["change"], newest["balance"]) == ("spending", -4, 6)
    assert newest["reference"] == "tea"
    assert (oldest["kind"], oldest["change"], oldest["balance"]) == ("credit", 10, 10)
    page = me.get(f"/loyalty/{me.id}/entries?limit=1")
    following = me.get(page.headers["Link"].split(";")[0].strip("<>"))
    assert json.loads(following.data) == [oldest]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"operation": "x", "balance": 1}, 400),
        ({"balance": 1}, 400),
        ({"operation": "w"}, 400),
        ({"operation": "w", "balance": 0}, 422),
        ({"operation": "w", "balance": -1}, 422),
        ({"operation": "w", "balance": "1"}, 422),
        ({"operation": "w", "balance": 1.001}, 422),
        ({"operation": "w", "balance": 1, "uuid": "me"}, 400),
        ({"operation": "w", "balance": 1, "comment": "a" * 256}, 400),
        ({"operation": "w", "balance": 1, "comment": "a\0b"}, 400),
        ({"operation": "w", "balance": 1, "comment": 5}, 400),
        ([], 400),
    ],
)
def test_what_is_no_operation_changes_nothing(shop: Shop, body: object, status: int) -> None:
    me = shop.rich(10)
    assert me.post("/loyalty", body).status_code == status
    assert points(me) == 10


def test_the_same_operation_again_gets_the_same_answer(shop: Shop) -> None:
    me, body = shop.rich(10), {"operation": "w", "balance": 6}
    answers = [me.post("/loyalty", body, Idempotency_Key="k").data for _ in range(2)]
    assert answers[0] == answers[1]
    assert me.post("/loyalty", {**body, "balance": 1}, Idempotency_Key="k").status_code == 422
    assert points(me) == 4


def test_a_key_of_an_administrator_is_none_of_the_owner(shop: Shop) -> None:
    admin, other, me = shop.admin(), shop.admin(), shop.rich(10)
    body = {"operation": "w", "balance": 4, "uuid": me.id}
    for left, asking in ((6, me), (2, admin)):
        for _ in range(2):
            answer = asking.post("/loyalty", body, Idempotency_Key="k")
            assert (answer.status_code, json.loads(answer.data)["balance"]) == (200, left)
    assert other.post("/loyalty", body, Idempotency_Key="k").status_code == 402
    elsewhere = {**body, "uuid": other.id}
    assert admin.post("/loyalty", elsewhere, Idempotency_Key="k").status_code == 422


def test_what_expires_next_is_told_where_points_expire(shared_database: Environ) -> None:
    environ = {**shared_database, "LOYALTY_POINTS_LIFETIME": "86400"}
    with opened_shop(environ) as shop:
        me = shop.rich(10)
        body = json.loads(me.get(f"/loyalty/{me.id}").data)
    assert body["expires"]["balance"] == 10
    assert datetime.fromisoformat(body["expires"]["at"]).tzinfo is not None
