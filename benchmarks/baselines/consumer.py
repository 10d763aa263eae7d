"""The usual consumer: one SERIALIZABLE transaction and one cache write an order.

Written as carefully as such a program can be: one connection for good, statements that the
driver prepares, items by executemany (which psycopg pipelines), validation without a
library, offsets committed once a poll instead of once a message.
"""

import json
import os
from typing import Any

import psycopg
from kafka import KafkaConsumer
from psycopg import Connection, IsolationLevel
from redis import Redis

from benchmarks.baselines import statements
from benchmarks.baselines.validation import Order, validate

_TTL_S = 300


def connect_kafka() -> KafkaConsumer:
    """Return a consumer of the topic."""
    version = os.environ.get("KAFKA_API_VERSION")
    return KafkaConsumer(
        os.environ.get("ORDERS_TOPIC", "orders"),
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
        api_version=tuple(map(int, version.split("."))) if version else None,
        group_id=os.environ["ORDERS_GROUP_ID"],
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )


def store(connection: Connection[Any], order: Order) -> None:
    """Store an order in one transaction; one that is there is replaced."""
    uid = order["order_uid"]
    items = [
        {**item, "order_uid": uid, "position": position}
        for position, item in enumerate(order["items"], 1)
    ]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(statements.INSERT_ORDER, order)
        cursor.execute(statements.INSERT_DELIVERY, {**order["delivery"], "order_uid": uid})
        cursor.execute(statements.INSERT_PAYMENT, {**order["payment"], "order_uid": uid})
        cursor.execute(statements.DELETE_ITEMS, order)
        cursor.executemany(statements.INSERT_ITEM, items)


def main() -> None:
    """Consume until the process is ended."""
    connection = psycopg.connect(os.environ["BENCH_DSN"])
    connection.isolation_level = IsolationLevel.SERIALIZABLE
    cache = Redis.from_url(os.environ["REDIS_URL"])
    consumer = connect_kafka()
    while True:
        for messages in consumer.poll(timeout_ms=500).values():
            for message in messages:
                order = json.loads(message.value)
                validate(order)
                store(connection, order)
                cache.set(f"order:{order['order_uid']}", message.value, ex=_TTL_S)
        consumer.commit()


if __name__ == "__main__":
    main()
