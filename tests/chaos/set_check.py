"""The set check: what was acknowledged is what is stored, plus what has a dead letter.

The topic itself is read back from its beginning. Its valid messages, the last one of each
uid, are what the tables must hold, field by field; its invalid ones must each have a dead
letter with the same bytes. Nothing else may be in either.
"""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import psycopg
from kafka import KafkaConsumer, TopicPartition

from tests.chaos.feed import Place

Options = Mapping[str, Any]
Order = dict[str, Any]

_ROWS = """
    SELECT to_jsonb(o),
           (SELECT to_jsonb(d) FROM orders.deliveries d WHERE d.order_uid = o.order_uid),
           (SELECT to_jsonb(p) FROM orders.payments p WHERE p.order_uid = o.order_uid),
           (SELECT jsonb_agg(to_jsonb(i) ORDER BY position)
            FROM orders.items i WHERE i.order_uid = o.order_uid)
    FROM orders.orders o
"""
_BOOKKEEPING = {
    "order_uid",
    "position",
    "digest",
    "stored_at",
    "source_stream",
    "source_partition",
    "source_offset",
}


class Letter(NamedTuple):
    """A dead letter."""

    reason: str
    value: bytes | None
    key: bytes | None
    headers: Mapping[str, bytes]


class Census(NamedTuple):
    """What the set check counted."""

    messages: int
    rows: int
    letters: int
    repeated_letters: int


def check_set(
    log: Mapping[Place, bytes],
    acknowledged: Mapping[Place, bytes],
    valid: Mapping[bytes, bool],
    rows: Mapping[str, Order],
    letters: Mapping[Place, list[Letter]],
) -> Census:
    """Fail unless storage and dead letters together are exactly what the topic says."""
    lost = {place for place, value in acknowledged.items() if log.get(place) != value}
    assert not lost, f"the broker lost acknowledged messages: {sorted(lost)[:5]}"
    expected = expected_rows(log, valid)
    assert rows.keys() == expected.keys(), _difference(expected.keys(), rows.keys())
    wrong = [uid for uid, order in expected.items() if rows[uid] != order]
    assert not wrong, f"{len(wrong)} rows differ, such as {expected[wrong[0]]} {rows[wrong[0]]}"
    guilty = {place: value for place, value in log.items() if not valid[value]}
    assert letters.keys() == guilty.keys(), _difference(guilty.keys(), letters.keys())
    spoilt = [p for p, found in letters.items() if any(x.value != guilty[p] for x in found)]
    assert not spoilt, f"dead letters with other bytes: {spoilt[:5]}"
    repeated = sum(len(found) - 1 for found in letters.values())
    return Census(len(log), len(rows), len(letters), repeated)


def _difference(wanted: Any, found: Any) -> str:  # noqa: ANN401 - two sets of anything sortable
    missing, extra = sorted(wanted - found), sorted(found - wanted)
    return f"{len(missing)} missing {missing[:5]}, {len(extra)} too many {extra[:5]}"


def expected_rows(log: Mapping[Place, bytes], valid: Mapping[bytes, bool]) -> dict[str, Order]:
    """Return the last valid order of each uid, by the order of the partitions."""
    last: dict[str, bytes] = {}
    for _, value in sorted(log.items()):
        if valid[value]:
            last[json.loads(value)["order_uid"]] = value
    return {uid: _normal(json.loads(value)) for uid, value in last.items()}


def _normal(order: Order) -> Order:
    """Return a valid order as its row says it: defaults filled in, the time as a moment."""
    order["date_created"] = _moment(order["date_created"])
    order.setdefault("internal_signature", "")
    order["payment"].setdefault("request_id", "")
    return order


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def stored_rows(dsn: str) -> dict[str, Order]:
    """Return every order that the tables hold, by uid."""
    with psycopg.connect(dsn) as connection:
        return {row[0]["order_uid"]: _joined(*row) for row in connection.execute(_ROWS)}


def _joined(order: Order, delivery: Order, payment: Order, items: list[Order]) -> Order:
    return {
        **_bare(order),
        "order_uid": order["order_uid"],
        "date_created": _moment(order["date_created"]),
        "delivery": _bare(delivery or {}),
        "payment": _bare(payment or {}),
        "items": [_bare(item) for item in items or []],
    }


def _bare(row: Order) -> Order:
    return {name: value for name, value in row.items() if name not in _BOOKKEEPING}


def read_topic(options: Options, topic: str) -> dict[Place, bytes]:
    """Return every message of a topic."""
    records = _read(options, topic)
    return {Place(record.partition, record.offset): record.value for record in records}


def read_letters(options: Options, topic: str) -> dict[Place, list[Letter]]:
    """Return the dead letters by the place of their originals."""
    letters: dict[Place, list[Letter]] = {}
    for record in _read(options, topic):
        headers = dict(record.headers)
        place = Place(int(headers["source-partition"]), int(headers["source-offset"]))
        letter = Letter(headers["reason"].decode(), record.value, record.key, headers)
        letters.setdefault(place, []).append(letter)
    return letters


def reasons(letters: Mapping[Place, list[Letter]]) -> Counter[str]:
    """Return how many messages were refused for which reason."""
    return Counter(found[0].reason for found in letters.values())


def _read(options: Options, topic: str) -> list[Any]:
    consumer = KafkaConsumer(**options, group_id=None, enable_auto_commit=False)
    try:
        partitions = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        found: list[Any] = []
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            found += [r for records in consumer.poll(timeout_ms=500).values() for r in records]
        return found
    finally:
        consumer.close()
