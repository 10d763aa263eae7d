"""Reads an order the usual way: one query a table."""

from typing import Any

from psycopg import Connection

_ORDER = """SELECT order_uid, track_number, entry, locale, internal_signature, customer_id,
    delivery_service, shardkey, sm_id, date_created, oof_shard
    FROM orders.orders WHERE order_uid = %s"""
_DELIVERY = """SELECT name, phone, zip, city, address, region, email
    FROM orders.deliveries WHERE order_uid = %s"""
_PAYMENT = """SELECT transaction, request_id, currency, provider, amount, payment_dt, bank,
    delivery_cost, goods_total, custom_fee FROM orders.payments WHERE order_uid = %s"""
_ITEMS = """SELECT chrt_id, track_number, price, rid, name, sale, size, total_price, nm_id,
    brand, status FROM orders.items WHERE order_uid = %s ORDER BY position"""


def read(connection: Connection[Any], uid: str) -> dict[str, Any] | None:
    """Return the order with its parts, None if there is none."""
    order: dict[str, Any] | None = connection.execute(_ORDER, [uid]).fetchone()
    if order is None:
        return None
    order["delivery"] = connection.execute(_DELIVERY, [uid]).fetchone()
    order["payment"] = connection.execute(_PAYMENT, [uid]).fetchone()
    order["items"] = connection.execute(_ITEMS, [uid]).fetchall()
    order["date_created"] = order["date_created"].isoformat()
    return order
