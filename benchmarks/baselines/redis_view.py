"""The usual view of a cached order: Flask and one Redis GET."""

import os

from flask import Flask, Response
from redis import Redis

_TIMEOUT_S = 0.5

app = Flask(__name__)
cache = Redis.from_url(
    os.environ["REDIS_URL"], socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S
)


@app.get("/up")
def up() -> str:
    """Say that the server is up."""
    return "up"


@app.get("/order/<uid>")
def order(uid: str) -> Response:
    """Answer with the cached JSON."""
    body = cache.get(f"order:{uid}")
    if not isinstance(body, bytes):
        return Response(status=404)
    return Response(body, mimetype="application/json")
