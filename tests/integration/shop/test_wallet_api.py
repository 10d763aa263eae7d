"""Wallets over HTTP on a real database: exact, once, and one's own alone."""

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.backends import Environ, connect
from tests.shop import Person, Shop

JSON = {"Content-Type": "application/json"}


def with_key(key: str) -> dict[str, dict[str, str]]:
    return {"headers": {"Idempotency-Key": key}}


@pytest.fixture
def person(shop: Shop) -> Person:
    """Somebody with an empty wallet."""
    person = shop.person()
    person.open_wallet()
    return person


def together(count: int, work: Callable[[], int]) -> list[int]:
    """What each of so many threads got."""
    got: list[int] = []
    threads = [threading.Thread(target=lambda: got.append(work())) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


def test_a_wallet_is_opened_once_however_many_try(shop: Shop) -> None:
    person = shop.person()
    assert person.ask("GET", "/wallet").status_code == 404
    assert person.deposit(5).status_code == 404
    statuses = together(6, lambda: person.ask("POST", "/wallet").status_code)
    assert sorted(statuses) == [200] * 5 + [201]


def test_wallets_of_others_are_others(shop: Shop, person: Person) -> None:
    person.deposit(500)
    other = shop.person()
    other.open_wallet()
    assert (person.balance(), other.balance()) == (500, 0)
    assert other.ask("GET", f"/admin/wallets/{person.id}").status_code == 403
    admin = shop.person("admin")
    assert admin.get(f"/admin/wallets/{person.id}")["balance"] == 500
    assert len(admin.get(f"/admin/wallets/{person.id}/entries")["entries"]) == 1


def test_nobody_asks_without_a_token(shop: Shop) -> None:
    anybody = shop.person()
    for method, path in (("POST", "/wallet"), ("GET", "/wallet"), ("POST", "/purchases")):
        answer = anybody.ask(method, path, headers={"Authorization": ""})
        assert answer.status_code == 401, path


def test_a_key_has_one_effect_and_one_answer(person: Person) -> None:
    first = person.deposit(100, **with_key("k1"))
    again = person.deposit(100, **with_key("k1"))
    assert (first.status_code, first.get_json()) == (200, again.get_json())
    assert person.deposit(101, **with_key("k1")).status_code == 422
    assert person.balance() == 100
    assert person.deposit(100, **with_key("k2")).status_code == 200
    assert person.balance() == 200


@pytest.mark.parametrize("key", ["", "a b", "ö", "x" * 256])
def test_what_is_no_key_is_refused(person: Person, key: str) -> None:
    assert person.deposit(100, **with_key(key)).status_code == 400
    assert person.balance() == 0


def test_requests_with_one_key_at_a_time_have_one_effect(person: Person) -> None:
    statuses = together(8, lambda: person.deposit(70, **with_key("same")).status_code)
    assert set(statuses) <= {200, 409}
    assert 200 in statuses
    assert person.balance() == 70


def test_deposits_at_a_time_add_up(person: Person) -> None:
    assert together(8, lambda: person.deposit(11).status_code) == [200] * 8
    assert person.balance() == 88


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"{", b'{"amount":1,"amounts":2}', b'{"amount":5}x', b"\xff"]
)
def test_a_body_that_is_none_is_refused(person: Person, body: bytes) -> None:
    answer = person.ask("POST", "/wallet/deposits", data=body, headers=JSON)
    assert answer.status_code in {400, 422}
    assert answer.content_type == "application/problem+json"
    assert person.balance() == 0


def test_the_largest_amount_is_taken_and_a_wallet_cannot_overflow(
    person: Person, shop_environ: Environ
) -> None:
    assert person.deposit(2147483647).status_code == 200
    assert person.deposit(2147483648).status_code == 422
    with connect(shop_environ, admin=True) as admin:
        admin.execute("UPDATE payments.balances SET credited = 9223372036854775800")
    assert person.deposit(100).status_code == 422


def test_entries_are_paged_newest_first(person: Person) -> None:
    for amount in (1, 2, 3, 4, 5):
        person.deposit(amount)
    seen: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = person.get(f"/wallet/entries?limit=2{cursor and '&cursor='}{cursor}")
        seen += [entry["change"] for entry in page["entries"]]
        cursor = page["next_cursor"]
    assert seen == [5, 4, 3, 2, 1]
    for query in ("limit=0", "limit=101", "limit=x", "cursor=x", "cursor=-1"):
        assert person.ask("GET", f"/wallet/entries?{query}").status_code == 400, query


def test_a_purchase_of_another_person_does_not_exist(shop: Shop, person: Person) -> None:
    purchase, other = person.buy(5), shop.person()
    assert other.ask("GET", f"/purchases/{purchase}").status_code == 404
    for what in ("refund", "cancellation", "retry"):
        assert other.change(purchase, what).status_code == 404
    assert other.get("/purchases")["purchases"] == []
    assert person.ask("GET", f"/purchases/{uuid.uuid4()}").status_code == 404
