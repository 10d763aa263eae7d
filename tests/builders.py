"""Builds orders, records and messages: the canonical sample, with what a test varies."""

import functools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from order_service.contexts.orders.decode import decode
from order_service.contexts.orders.model import Document, Item, Order
from order_service.contexts.orders.ports import OrderRecord, Source
from order_service.contexts.orders.rows import rows_of
from order_service.messaging.ports import DeadLetter

ROOT = Path(__file__).parents[1]
CANONICAL = ROOT / "tests/data/order.json"
STREAM = "6f9619ff-8b86-d011-b42d-00cf4fc964ff"
OTHER_STREAM = "00000000-0000-4000-8000-000000000001"
TOPIC = "orders"
NOWHERE = Source(None, 0, 0)


@functools.cache
def canonical() -> Order:
    """The sample order."""
    return decode(CANONICAL.read_bytes())


def as_json(order: Order | None = None) -> dict[str, Any]:
    """The order as the JSON object that a shop would send; the caller's own copy."""
    document: dict[str, Any] = json.loads(msgspec.json.encode(order or canonical()))
    return document


def order(uid: str = "order-1", **changes: object) -> Order:
    """The sample under another uid, with top-level fields changed."""
    return msgspec.structs.replace(canonical(), order_uid=uid, **changes)


def items(count: int) -> tuple[Item, ...]:
    """Items that differ in all that tells their order."""
    sample = canonical().items[0]
    return tuple(
        msgspec.structs.replace(sample, chrt_id=number, name=f"Item {number}")
        for number in range(1, count + 1)
    )


def record(
    uid: str = "order-1",
    offset: int = 0,
    *,
    stream: str | None = STREAM,
    partition: int = 0,
    **changes: object,
) -> OrderRecord:
    """An order on its way into storage."""
    return record_of(order(uid, **changes), Source(stream, partition, offset))


def record_of(given: Order, source: Source = NOWHERE) -> OrderRecord:
    """A given order on its way into storage."""
    document = Document.of(given)
    return OrderRecord(given.order_uid, document, rows_of(given, document, source), source)


def refused_record(uid: str = "guilty", offset: int = 0) -> OrderRecord:
    """A record that no validation let through, but that storage must refuse."""
    payment = msgspec.structs.replace(canonical().payment, amount=-1)
    return record(uid, offset, payment=payment)


class Message(NamedTuple):
    """One record of the topic; a :class:`order_service.contexts.orders.ports.Message`."""

    value: bytes | None
    offset: int = 0
    partition: int = 0
    key: bytes | None = b"key"
    topic: str = TOPIC
    timestamp: int = 1_700_000_000_000
    headers: Sequence[tuple[str, bytes | None]] = ()


def message(uid: str = "order-1", offset: int = 0, **changes: object) -> Message:
    """A message with a valid order."""
    return Message(msgspec.json.encode(order(uid, **changes)), offset, key=uid.encode())


def messages(uids: Iterable[str], first: int = 0) -> Sequence[Message]:
    """Messages with valid orders at offsets from `first` on."""
    return [message(uid, offset) for offset, uid in enumerate(uids, first)]


def dead_letter(offset: int = 0, **parts: Any) -> DeadLetter:  # noqa: ANN401 - fields of Message
    """A message that is no JSON, as a dead letter."""
    bad = Message(b"\xffnot json", offset)._replace(**parts)
    return DeadLetter(bad, "invalid_json", {"_message": [f"bad {offset}"]})
