"""The statements of the usual way: one insert a table, with named parameters."""

from collections.abc import Sequence
from typing import LiteralString

ORDER = (
    "order_uid",
    "track_number",
    "entry",
    "locale",
    "internal_signature",
    "customer_id",
    "delivery_service",
    "shardkey",
    "sm_id",
    "date_created",
    "oof_shard",
)
DELIVERY = ("name", "phone", "zip", "city", "address", "region", "email")
PAYMENT = (
    "transaction",
    "request_id",
    "currency",
    "provider",
    "amount",
    "payment_dt",
    "bank",
    "delivery_cost",
    "goods_total",
    "custom_fee",
)
ITEM = (
    "chrt_id",
    "track_number",
    "price",
    "rid",
    "name",
    "sale",
    "size",
    "total_price",
    "nm_id",
    "brand",
    "status",
)


def _insert(table: str, columns: Sequence[str], key: str = "order_uid") -> LiteralString:
    values = ", ".join(f"%({name})s" for name in columns)
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name != "order_uid")
    return (
        f"INSERT INTO plain.{table} ({', '.join(columns)}) VALUES ({values}) "  # noqa: S608 - our own names
        f"ON CONFLICT ({key}) DO UPDATE SET {changes}"
    )


INSERT_ORDER = _insert("orders", ORDER)
INSERT_DELIVERY = _insert("deliveries", ("order_uid", *DELIVERY))
INSERT_PAYMENT = _insert("payments", ("order_uid", *PAYMENT))
DELETE_ITEMS: LiteralString = "DELETE FROM plain.items WHERE order_uid = %(order_uid)s"
INSERT_ITEM = _insert("items", ("order_uid", "position", *ITEM), "order_uid, position")
