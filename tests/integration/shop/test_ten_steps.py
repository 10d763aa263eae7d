"""The ten steps of a customer, through HTTP, on real servers."""

import pytest

from tests.backends import Environ
from tests.shop import DELIVERY, Person, Shop, working
from tests.waiting import eventually

pytestmark = pytest.mark.apache_kafka

WAIT_S = 60.0
NO_AMOUNTS = [
    b"-50", b"0", b"4294967246", b"9223372036854775808", b"1e400", b'"50"', b"0.001", b"NaN",
    b"null", b"true", b"[50]", b"-0", b"1e-400", b"50.5", b"Infinity", b"2147483648",
]  # fmt: skip


def refused(person: Person, amount: bytes) -> bool:
    answer = person.ask(
        "POST",
        "/wallet/deposits",
        data=b'{"amount": %b}' % amount,
        headers={"Content-Type": "application/json"},
    )
    return answer.status_code in {400, 422}


def test_the_ten_steps(shop: Shop, shop_environ: Environ) -> None:
    person = shop.person()
    with working(shop_environ, "orders-consumer"), working(shop_environ):
        first = person.settled(person.buy(100))
        assert (first["status"], first["reason"]) == ("rejected", "no_wallet")

        wallet = person.open_wallet()
        assert person.open_wallet() == wallet
        assert person.balance() == 0

        second = person.settled(person.buy(100))
        assert (second["status"], second["reason"]) == ("rejected", "insufficient_funds")

        assert [each for each in NO_AMOUNTS if not refused(person, each)] == []
        assert person.balance() == 0

        assert person.deposit(10_000).get_json()["balance"] == 10_000
        assert person.balance() == 10_000

        cheap = person.settled(person.buy(1_999, 2, delivery=DELIVERY))
        assert cheap["status"] == "approved"
        assert person.balance() == 10_000 - 2 * 1_999

        dear = person.settled(person.buy(6_003))
        assert (dear["status"], dear["reason"]) == ("rejected", "insufficient_funds")
        assert person.balance() == 6_002

        exact = person.settled(person.buy(6_002))
        assert exact["status"] == "approved"
        assert person.balance() == 0

        listed = person.get("/purchases")["purchases"]
        assert [each["id"] for each in listed] == [
            each["id"] for each in (exact, dear, cheap, second, first)
        ]
        entries = person.get("/wallet/entries")["entries"]
        assert [(each["kind"], each["change"], each["balance"]) for each in entries] == [
            ("purchase", -6_002, 0),
            ("purchase", -3_998, 6_002),
            ("deposit", 10_000, 10_000),
        ]
        assert entries[1]["purchase"] == cheap["id"]

        uid = cheap["order_uid"]
        found = lambda: person.ask("GET", f"/order/{uid}").status_code == 200  # noqa: E731
        eventually(found, WAIT_S, "the order is there")
        order = person.get(f"/order/{uid}")
        assert order["customer_id"] == str(person.id)
        assert order["payment"]["amount"] == 3_998
        assert order["delivery"] == DELIVERY
        assert uid in [each["order_uid"] for each in person.get("/orders")["orders"]]
