"""Orders in the tables and in the cache, without the way through Kafka."""

import json
from collections.abc import Sequence

import psycopg

from benchmarks.ingest_limit import batches, copy
from benchmarks.orders import Sample
from benchmarks.stack import Process, Stack
from order_service.contexts.orders.decode import decode
from order_service.contexts.orders.model import Document


def store(stack: Stack, messages: Sequence[Sample]) -> None:
    """Store orders, and let Postgres know how many there are now."""
    with psycopg.connect(stack.dsn) as connection:
        for rows in batches(messages):
            copy(connection, rows)
    with stack.connect() as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def paths(messages: Sequence[Sample]) -> list[str]:
    """Return the path of each order."""
    return [f"/order/{uid}" for uid, _ in messages]


def fill_cache(stack: Stack, messages: Sequence[Sample]) -> None:
    """Put orders into Redis: as the service has them, and as the plain views have them."""
    pipeline = stack.redis.pipeline(transaction=False)
    for uid, body in messages:
        document = Document.of(decode(body))
        pipeline.set(f"order:v1:{uid}", document.digest.encode() + document.body)
        pipeline.set(f"order:{uid}", document.body)
    pipeline.execute()


def require_level(api: Process, path: str, level: str) -> None:
    """Raise RuntimeError unless the service answers from `level`."""
    if ("x-cache", level) not in [(name.lower(), value) for name, value in api.get(path).headers]:
        raise RuntimeError(f"{path} is not answered from level {level}")


def require_same(first: Process, second: Process, path: str) -> None:
    """Raise RuntimeError unless two servers answer with the same order."""
    orders = [json.loads(server.get(path).body) for server in (first, second)]
    for order in orders:
        # The same moment is written in more than one way.
        order.pop("date_created")
    if orders[0] != orders[1]:
        raise RuntimeError("the two servers do not answer alike")
