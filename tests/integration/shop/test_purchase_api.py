"""Purchases over HTTP on a real database, before anybody settles them."""

from typing import Any

import pytest

from tests.backends import Environ, connect
from tests.shop import DELIVERY, Person, Shop, wish


@pytest.fixture
def person(shop: Shop) -> Person:
    """Somebody who is signed in."""
    return shop.person()


def waiting_in_outbox(environ: Environ, schema: str = "checkout") -> list[str]:
    """The types of the messages that wait, in their order."""
    with connect(environ, admin=True) as admin:
        rows = admin.execute(
            f"SELECT headers->>'type' FROM {schema}.outbox ORDER BY id".encode()  # noqa: S608
        )
        return [kind for (kind,) in rows]


def test_a_purchase_is_accepted_with_its_place(person: Person) -> None:
    answer = person.ask("POST", "/purchases", wish(1999, 3, delivery=DELIVERY))
    assert answer.status_code == 202
    accepted = answer.get_json()
    assert accepted["status"] == "pending"
    assert answer.headers["Location"] == f"/purchases/{accepted['id']}"
    found = person.get(answer.headers["Location"])
    assert (found["amount"], found["quantity"], found["currency"]) == (5997, 3, "USD")
    assert found["delivery"] == DELIVERY
    assert (found["order_uid"], found["settled_at"], found["reason"]) == (None, None, None)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"price": 0}, 422),
        ({"price": -1}, 422),
        ({"price": 0.5}, 422),
        ({"price": "5"}, 422),
        ({"price": None}, 422),
        ({"price": 2147483648}, 422),
        ({"price": 2147483647, "quantity": 2}, 422),
        ({"quantity": 0}, 422),
        ({"quantity": 10001}, 422),
        ({"quantity": 1.5}, 422),
        ({"product_id": ""}, 400),
        ({"product_id": "x" * 65}, 400),
        ({"product_id": -5}, 400),
        ({"description": ""}, 400),
        ({"description": "a\0b"}, 400),
        ({"description": "x" * 256}, 400),
        ({"delivery": {}}, 400),
        ({"delivery": {**DELIVERY, "email": "no"}}, 400),
        ({"delivery": {**DELIVERY, "name": ""}}, 400),
        ({"owner": "0193667b-9a01-7d0e-8c7b-3f5b1a2c4d6e"}, 400),
    ],
)
def test_what_cannot_be_bought_is_refused(
    person: Person, change: dict[str, Any], status: int
) -> None:
    answer = person.ask("POST", "/purchases", wish() | change)
    assert answer.status_code == status, answer.get_data()
    assert answer.content_type == "application/problem+json"
    assert person.get("/purchases")["purchases"] == []


def test_half_a_surrogate_pair_is_refused(person: Person) -> None:
    body = b'{"product_id":"1","description":"\\ud800","quantity":1,"price":1}'
    headers = {"Content-Type": "application/json"}
    assert person.ask("POST", "/purchases", data=body, headers=headers).status_code == 400


def test_a_key_begins_one_purchase(person: Person, shop_environ: Environ) -> None:
    key = {"headers": {"Idempotency-Key": "order-7"}}
    first = person.ask("POST", "/purchases", wish(), **key)
    again = person.ask("POST", "/purchases", wish(), **key)
    assert first.get_json() == again.get_json()
    assert person.ask("POST", "/purchases", wish(2000), **key).status_code == 422
    assert len(person.get("/purchases")["purchases"]) == 1
    assert waiting_in_outbox(shop_environ) == ["checkout.payment-requested.v1"]


def test_purchases_are_paged_newest_first(person: Person) -> None:
    bought = [person.buy(price) for price in range(1, 6)]
    seen: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = person.get(f"/purchases?limit=2{cursor and '&cursor='}{cursor}")
        seen += [each["id"] for each in page["purchases"]]
        cursor = page["next_cursor"]
    assert seen == bought[::-1]
    for query in ("limit=0", "limit=101", "cursor=x"):
        assert person.ask("GET", f"/purchases?{query}").status_code == 400, query


def test_a_pending_purchase_is_cancelled_once(person: Person, shop_environ: Environ) -> None:
    purchase = person.buy()
    answers = [person.change(purchase, "cancellation") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].get_json()["status"] == "cancelled"
    assert waiting_in_outbox(shop_environ) == [
        "checkout.payment-requested.v1",
        "checkout.payment-cancelled.v1",
    ]
    assert person.change(purchase, "refund").status_code == 409


def test_a_key_stands_for_one_request(person: Person) -> None:
    first, second = person.buy(), person.buy()
    key = {"Idempotency-Key": "back-1"}
    path = "/purchases/{}/cancellation"
    assert person.ask("POST", path.format(first), headers=key).status_code == 202
    assert person.ask("POST", path.format(first), headers=key).status_code == 202
    assert person.ask("POST", path.format(second), headers=key).status_code == 422
    assert person.status(second) == "pending"
    none = {"Idempotency-Key": ""}
    assert person.ask("POST", path.format(second), headers=none).status_code == 400


def test_asking_again_is_bounded(person: Person, shop_environ: Environ) -> None:
    purchase = person.buy()
    with connect(shop_environ, admin=True) as admin:
        admin.execute("UPDATE checkout.purchases SET created_at = created_at - interval '1 minute'")
    assert [person.change(purchase, "retry").status_code for _ in range(3)] == [202] * 3
    assert waiting_in_outbox(shop_environ) == ["checkout.payment-requested.v1"] * 2


def test_the_stream_of_a_cancelled_purchase_ends_at_once(person: Person) -> None:
    purchase = person.buy()
    person.change(purchase, "cancellation")
    answer = person.ask("GET", f"/purchases/{purchase}/events")
    assert answer.content_type.startswith("text/event-stream")
    assert b"event: status" in answer.get_data()
    again = person.ask(
        "GET", f"/purchases/{purchase}/events", headers={"Last-Event-ID": "cancelled"}
    )
    assert again.status_code == 204
