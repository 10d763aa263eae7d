"""The usual view of a stored order: Flask and one query a table.

With BENCH_CACHE_ASIDE the cache is asked before and filled behind, as the service does it.
"""

import json
import os
from typing import Any

from flask import Flask, Response
from psycopg import Connection
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool
from redis import Redis

_TIMEOUT_S = 0.5
_TTL_S = 300
_ORDER = """SELECT order_uid, track_number, entry, locale, internal_signature, customer_id,
    delivery_service, shardkey, sm_id, date_created, oof_shard
    FROM orders.orders WHERE order_uid = %s"""
_DELIVERY = """SELECT name, phone, zip, city, address, region, email
    FROM orders.deliveries WHERE order_uid = %s"""
_PAYMENT = """SELECT transaction, request_id, currency, provider, amount, payment_dt, bank,
    delivery_cost, goods_total, custom_fee FROM orders.payments WHERE order_uid = %s"""
_ITEMS = """SELECT chrt_id, track_number, price, rid, name, sale, size, total_price, nm_id,
    brand, status FROM orders.items WHERE order_uid = %s ORDER BY position"""

app = Flask(__name__)
pool = ConnectionPool(
    os.environ["BENCH_DSN"],
    min_size=8,
    max_size=8,
    kwargs={"row_factory": dict_row},
    open=False,
)
cache = Redis.from_url(
    os.environ["REDIS_URL"], socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S
)
_cache_aside = bool(os.environ.get("BENCH_CACHE_ASIDE"))


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


@app.get("/up")
def up() -> str:
    """Connect, and say that the server is up."""
    pool.open(wait=True)
    return "up"


@app.get("/order/<uid>")
def order(uid: str) -> Response:
    """Answer with the order."""
    key = f"order:{uid}"
    if _cache_aside and isinstance(cached := cache.get(key), bytes):
        return Response(cached, mimetype="application/json")
    with pool.connection() as connection:
        found = read(connection, uid)
    if found is None:
        return Response(status=404)
    body = json.dumps(found)
    if _cache_aside:
        cache.set(key, body, ex=_TTL_S)
    return Response(body, mimetype="application/json")
