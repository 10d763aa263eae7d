"""The relay that most outboxes have: it locks rows with SKIP LOCKED and publishes them.

Usage: python -m benchmarks.baselines.relay <schema> <rows of a transaction>. With one row at a time
it is the design of most articles. Several of them share the work, and overtake each other.
"""

import os
import sys
import time
from typing import Any

import psycopg
from kafka import KafkaProducer
from psycopg import sql

_READ = """
    SELECT id, topic, key, value, headers FROM {}
    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""
_DELETE = "DELETE FROM {} WHERE id = ANY(%s)"
_PAUSE_S = 0.01

Row = tuple[Any, ...]


def publish(producer: KafkaProducer, rows: list[Row]) -> None:
    """Publish rows and wait for the acknowledgements."""
    sent = []
    for _, topic, key, value, headers in rows:
        encoded = [(name, text.encode()) for name, text in headers.items()]
        sent.append(producer.send(topic, value, key, encoded))
    producer.flush()
    for future in sent:
        future.get(timeout=0)


def main(schema: str, rows: int) -> None:
    """Relay until the process is ended."""
    table = sql.Identifier(schema, "outbox")
    read, delete = sql.SQL(_READ).format(table), sql.SQL(_DELETE).format(table)
    version = os.environ.get("KAFKA_API_VERSION")
    producer = KafkaProducer(
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
        api_version=tuple(map(int, version.split("."))) if version else None,
        acks="all",
    )
    with psycopg.connect(os.environ["BENCH_DSN"], autocommit=True) as connection:
        while True:
            with connection.transaction():
                found = connection.execute(read, [rows]).fetchall()
                publish(producer, found)
                connection.execute(delete, [[row[0] for row in found]])
            if not found:
                time.sleep(_PAUSE_S)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
