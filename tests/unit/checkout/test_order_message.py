"""A paid purchase becomes an order that whoever stores orders takes."""

import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_service.contexts.checkout.model import Delivery, Goods, Purchase, Status
from order_service.contexts.checkout.order_message import number_of, order_message
from order_service.contexts.orders.decode import decode
from tests.shop import DELIVERY

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=255)


def paid(goods: Goods, delivery: Delivery | None) -> Purchase:
    ids = uuid.UUID(int=7), uuid.UUID(int=8)
    return Purchase(*ids, goods, "USD", delivery, Status.APPROVED, "", False, NOON, NOON)  # noqa: FBT003


def body_of(purchase: Purchase) -> bytes:
    body = order_message(purchase, "orders", "").value
    assert body is not None
    return body


@given(st.text("0123456789abc-", min_size=1, max_size=64), TEXT, TEXT)
def test_every_purchase_is_an_order(product_id: str, description: str, name: str) -> None:
    goods = Goods(product_id, description, 10_000, 200_000)
    delivery = Delivery(**{**DELIVERY, "name": name})
    order = decode(body_of(paid(goods, delivery)), 1 << 20)
    assert order.order_uid == uuid.UUID(int=7).hex
    assert order.customer_id == str(uuid.UUID(int=8))
    assert order.payment.amount == order.items[0].total_price == goods.amount
    assert (order.delivery.name, order.items[0].name) == (name, description)


def test_the_same_purchase_gives_the_same_bytes_and_key() -> None:
    purchase = paid(Goods("1", "thing", 1, 5), Delivery(**DELIVERY))
    message, later = (order_message(purchase, "orders", "") for _ in range(2))
    assert later.envelope.time > message.envelope.time
    assert later.value == message.value
    assert message.key.decode() == purchase.order_uid


def test_without_a_delivery_there_is_no_order() -> None:
    purchase = paid(Goods("1", "thing", 1, 5), None)
    assert purchase.order_uid is None
    with pytest.raises(ValueError, match="delivered"):
        body_of(purchase)


def test_a_product_id_that_is_a_number_stays_one() -> None:
    assert number_of("2389212") == 2389212
    assert 0 <= number_of("mascara-9") < 2**48
    assert 0 <= number_of("9" * 60) < 2**48
