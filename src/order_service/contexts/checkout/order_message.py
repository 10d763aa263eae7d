"""The order that a paid purchase becomes, as shops publish it.

The same purchase gives the same bytes each time: whoever stores orders then sees that a message
which comes again says nothing new.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from uuid_utils.compat import uuid7

from order_service.messaging.envelope import JSON, Envelope
from order_service.messaging.outbox import OutgoingMessage

from .model import Delivery, Goods, Purchase, order_uid_of

TYPE = "shop.order.v1"

_PAID = 202
"""Status code of an item that is paid for."""


def order_message(purchase: Purchase, topic: str, traceparent: str) -> OutgoingMessage:
    """Return the message with the order of a paid purchase that has a delivery."""
    if purchase.delivery is None:
        raise ValueError("nothing is to be delivered")
    envelope = Envelope(uuid7(), TYPE, datetime.now(UTC), JSON, traceparent)
    uid = order_uid_of(purchase.id)
    body = msgspec.json.encode(order_of(purchase, purchase.delivery))
    return OutgoingMessage(topic, uid.encode(), body, envelope)


def order_of(purchase: Purchase, delivery: Delivery) -> Mapping[str, object]:
    """Return the order of a purchase."""
    uid, goods = order_uid_of(purchase.id), purchase.goods
    track = f"SHOP{uid[-12:].upper()}"
    return {
        "order_uid": uid,
        "track_number": track,
        "entry": "SHOP",
        "delivery": delivery,
        "payment": _payment(purchase, uid),
        "items": [_item(goods, uid, track)],
        "locale": "en",
        "internal_signature": "",
        "customer_id": str(purchase.owner),
        "delivery_service": "shop",
        "shardkey": str(purchase.owner.int % 10),
        "sm_id": 1,
        "date_created": purchase.created_at,
        "oof_shard": "1",
    }


def _payment(purchase: Purchase, uid: str) -> Mapping[str, object]:
    amount = purchase.goods.amount
    return {
        "transaction": uid,
        "request_id": "",
        "currency": purchase.currency,
        "provider": "wallet",
        "amount": amount,
        # Of the purchase and not of the answer, which may come twice.
        "payment_dt": int(purchase.created_at.timestamp()),
        "bank": "wallet",
        "delivery_cost": 0,
        "goods_total": amount,
        "custom_fee": 0,
    }


def _item(goods: Goods, uid: str, track: str) -> Mapping[str, object]:
    """Return the one position: `price` is that of a piece, `total_price` that of all of them."""
    number = number_of(goods.product_id)
    return {
        "chrt_id": number,
        "track_number": track,
        "price": goods.price,
        "rid": uid,
        "name": goods.description,
        "sale": 0,
        "size": str(goods.quantity),
        "total_price": goods.amount,
        "nm_id": number,
        "brand": "shop",
        "status": _PAID,
    }


def number_of(product_id: str) -> int:
    """Return the number of a product: its id if that is one, else 48 bits of its digest."""
    if product_id.isascii() and product_id.isdigit() and len(product_id) <= 15:  # noqa: PLR2004
        return int(product_id)
    return int.from_bytes(hashlib.blake2b(product_id.encode(), digest_size=6).digest())
