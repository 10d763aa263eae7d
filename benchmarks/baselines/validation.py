"""Plain validation: every field is there and of its type."""

from collections.abc import Mapping
from typing import Any

Order = dict[str, Any]

_ORDER = {
    "order_uid": str,
    "track_number": str,
    "entry": str,
    "delivery": dict,
    "payment": dict,
    "items": list,
    "locale": str,
    "customer_id": str,
    "delivery_service": str,
    "shardkey": str,
    "sm_id": int,
    "date_created": str,
    "oof_shard": str,
}
_DELIVERY = dict.fromkeys(("name", "phone", "zip", "city", "address", "region", "email"), str)
_PAYMENT = {
    **dict.fromkeys(("transaction", "currency", "provider", "bank"), str),
    **dict.fromkeys(
        ("amount", "payment_dt", "delivery_cost", "goods_total", "custom_fee"),
        int,
    ),
}
_ITEM = {
    **dict.fromkeys(("track_number", "rid", "name", "size", "brand"), str),
    **dict.fromkeys(("chrt_id", "price", "sale", "total_price", "nm_id", "status"), int),
}


def validate(order: Order) -> None:
    """Raise ValueError unless `order` has what an order needs."""
    _check(order, _ORDER)
    _check(order["delivery"], _DELIVERY)
    _check(order["payment"], _PAYMENT)
    if not order["items"]:
        raise ValueError("no items")
    for item in order["items"]:
        _check(item, _ITEM)


def _check(part: dict[str, Any], rules: Mapping[str, type]) -> None:
    for name, kind in rules.items():
        if not isinstance(part.get(name), kind):
            raise ValueError(f"{name} is missing or no {kind.__name__}")  # noqa: TRY004 - one error for all that is wrong
