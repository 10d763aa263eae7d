"""The usual view of a stored order: Flask and one query a table.

With BENCH_CACHE_ASIDE the cache is asked before and filled behind, as the service does it.
"""

import json
import os

from flask import Flask, Response
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool
from redis import Redis

from benchmarks.baselines.four_queries_read import read

_TIMEOUT_S = 0.5
_TTL_S = 300
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
