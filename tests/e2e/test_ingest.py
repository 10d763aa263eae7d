"""Ten thousand orders through the real processes: all rows, all dead letters, all answers."""

import base64
import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import psycopg
import pytest
from redis import Redis

from order_service.contexts.orders.decode import decode
from order_service.contexts.orders.model import Order, encode
from order_service.embedded.server import KafkaServer
from order_service.embedded.valkey import ValkeyServer
from order_service.infra.kafka.clients import Connection
from tests.backends import (
    Environ,
    NewTopic,
    committed_of,
    connect,
    process_environ,
    records_of,
)
from tests.builders import ROOT
from tests.e2e.api_process import Api, sample, serving
from tests.integration.service_process import Consumer, consuming
from tests.waiting import eventually

COUNT = 10_000
# So many that the mock broker, which keeps 5 MiB of each, keeps all.
PARTITIONS = 16


@pytest.fixture
def environ(
    migrated_database: Environ,
    valkey_server: ValkeyServer,
    valkey: Redis,
    kafka_server: KafkaServer,
    new_topic: NewTopic,
) -> Environ:
    """A database, an empty cache, topics and a group of the test's own."""
    assert valkey.dbsize() == 0
    return {
        **migrated_database,
        **valkey_server.environment(),
        **kafka_server.environment(),
        "ORDERS_TOPIC": new_topic(PARTITIONS),
        "ORDERS_DEAD_LETTER_TOPIC": new_topic(4),
        "KAFKA_CREATE_TOPICS": "false",  # the mock broker would not
        "ORDERS_GROUP_ID": uuid.uuid4().hex,
    }


class Sent(NamedTuple):
    """What the producer wrote down of one message."""

    value: bytes
    valid: bool
    partition: int
    offset: int


def produce(environ: Environ, record: Path) -> list[Sent]:
    arguments = ["--count", str(COUNT), "--invalid", "0.05", "--seed", "7", "--quiet"]
    subprocess.run(
        [sys.executable, "-m", "producer", *arguments, "--record", str(record)],
        cwd=ROOT,
        env=process_environ(environ),
        check=True,
        timeout=60,
    )
    return [_sent(json.loads(line)) for line in record.read_text().splitlines()]


def _sent(line: dict[str, Any]) -> Sent:
    assert line["acknowledged"]
    text = line.get("value")
    value = base64.b64decode(line["value_base64"]) if text is None else str(text).encode()
    return Sent(value, line["valid"], line["partition"], line["offset"])


def rows(environ: Environ) -> dict[str, set[tuple[Any, ...]]]:
    """All that the four tables hold of orders, as sets of rows."""
    queries = {
        "orders": "SELECT order_uid, track_number, entry, locale, internal_signature, customer_id,"
        " delivery_service, shardkey, sm_id, date_created, oof_shard FROM orders.orders",
        "deliveries": "SELECT * FROM orders.deliveries",
        "payments": "SELECT * FROM orders.payments",
        "items": "SELECT * FROM orders.items",
    }
    with connect(environ, admin=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        return {name: _set(connection, query) for name, query in queries.items()}


def _set(connection: psycopg.Connection[Any], query: str) -> set[tuple[Any, ...]]:
    found = connection.execute(query.encode()).fetchall()
    assert len(set(found)) == len(found)
    return set(found)


def expected_rows(orders: list[Order]) -> dict[str, set[tuple[Any, ...]]]:
    astuple = msgspec.structs.astuple
    return {
        "orders": {
            (
                *(o.order_uid, o.track_number, o.entry, o.locale, o.internal_signature),
                *(o.customer_id, o.delivery_service, o.shardkey, o.sm_id, o.date_created),
                o.oof_shard,
            )
            for o in orders
        },
        "deliveries": {(o.order_uid, *astuple(o.delivery)) for o in orders},
        "payments": {(o.order_uid, *astuple(o.payment)) for o in orders},
        "items": {
            (o.order_uid, position, *astuple(item))
            for o in orders
            for position, item in enumerate(o.items, 1)
        },
    }


def assert_dead_letters(connection: Connection, environ: Environ, invalid: list[Sent]) -> None:
    """Each invalid message is a dead letter once, its bytes and its place in the headers."""
    letters = records_of(connection, environ["ORDERS_DEAD_LETTER_TOPIC"])
    found = {}
    for letter in letters:
        headers = {name: value.decode() for name, value in letter.headers}
        assert headers["source-topic"] == environ["ORDERS_TOPIC"]
        assert headers["reason"]
        assert json.loads(headers["faults"])
        place = int(headers["source-partition"]), int(headers["source-offset"])
        found[place] = letter.value
    assert len(found) == len(letters)
    assert found == {(sent.partition, sent.offset): sent.value for sent in invalid}


def assert_answers(api: Api, orders: list[Order]) -> None:
    for order in orders:
        answer = api.get(f"/order/{order.order_uid}")
        assert (answer.status, answer.body) == (200, encode(order))
        assert answer.level in {"local", "hit", "miss"}
    assert api.get("/order/nobody").status == 404


def committed(connection: Connection, environ: Environ) -> int:
    """Sum of the group's offsets."""
    group, topic = environ["ORDERS_GROUP_ID"], environ["ORDERS_TOPIC"]
    offsets = [committed_of(connection, group, topic, number) for number in range(PARTITIONS)]
    return sum(offset or 0 for offset in offsets)


def drained(consumer: Consumer, messages: int) -> bool:
    """Whether so many messages are dealt with and none is left."""
    metrics = consumer.get("/metrics")[1]
    dealt_with = sample(metrics, "order_service_messages_total")
    return dealt_with >= messages and sample(metrics, "order_service_consumer_lag_messages") == 0


def test_ten_thousand_orders_arrive_and_survive_a_restart(
    environ: Environ, kafka_connection: Connection, tmp_path: Path, valkey: Redis
) -> None:
    with consuming(environ) as consumer, serving(environ) as api:
        sent = produce(environ, tmp_path / "record.jsonl")
        orders = [decode(each.value) for each in sent if each.valid]
        invalid = [each for each in sent if not each.valid]
        assert len(sent) == COUNT
        assert 300 < len(invalid) < 700
        eventually(lambda: drained(consumer, COUNT), 60, "all is consumed")
        assert rows(environ) == expected_rows(orders)
        assert_dead_letters(kafka_connection, environ, invalid)
        assert_answers(api, orders[::100])
        metrics = consumer.get("/metrics")[1]
        assert sample(metrics, "order_service_orders_created_total") == len(orders)
        assert sample(metrics, "order_service_dead_letters_total") == len(invalid)
        code, _ = consumer.stop()
        assert code == 0
    assert committed(kafka_connection, environ) == COUNT

    valkey.flushall()
    with consuming(environ) as consumer, serving(environ) as api:
        eventually(
            lambda: api.sample("order_service_warm_up_orders") == 1000, 40, "the cache is warm"
        )
        newest = sorted(orders, key=lambda o: (o.date_created, o.order_uid))[-1000:]
        assert api.get(f"/order/{newest[0].order_uid}").level == "hit"
        assert_answers(api, [orders[0], *newest[::200]])
        eventually(consumer.drained, 40, "the new consumer knows that nothing is left")
        assert sample(consumer.get("/metrics")[1], "order_service_messages_total") == 0
    assert committed(kafka_connection, environ) == COUNT
    assert len(records_of(kafka_connection, environ["ORDERS_DEAD_LETTER_TOPIC"])) == len(invalid)
