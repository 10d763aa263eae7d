"""Ingest against its limit: COPY of the same rows into the same tables."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, LiteralString, NamedTuple

import psycopg

from benchmarks import command
from benchmarks.baselines.statements import DELIVERY, ITEM, ORDER, PAYMENT
from benchmarks.harness import Row, Scale, alternate, at_least
from benchmarks.ingest_usual import our_rate
from benchmarks.orders import Sample, samples
from benchmarks.stack import Stack, running_stack
from order_service.contexts.orders.decode import decode
from order_service.contexts.orders.model import Document, Order

_BATCH = 1_000  # orders.batch_messages
_KEEPING = ("digest", "source_partition", "source_offset")


class Rows(NamedTuple):
    """The rows of a batch, table by table, as Python values."""

    orders: list[tuple[Any, ...]]
    deliveries: list[tuple[Any, ...]]
    payments: list[tuple[Any, ...]]
    items: list[tuple[Any, ...]]


_COLUMNS = Rows(
    [(*ORDER, *_KEEPING)],
    [("order_uid", *DELIVERY)],
    [("order_uid", *PAYMENT)],
    [("order_uid", "position", *ITEM)],
)


def _values(part: object, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(getattr(part, name) for name in names)


def _add(rows: Rows, order: Order, offset: int) -> None:
    uid = order.order_uid
    digest = bytes.fromhex(Document.of(order).digest)
    rows.orders.append((*_values(order, ORDER), digest, 0, offset))
    rows.deliveries.append((uid, *_values(order.delivery, DELIVERY)))
    rows.payments.append((uid, *_values(order.payment, PAYMENT)))
    for position, item in enumerate(order.items, 1):
        rows.items.append((uid, position, *_values(item, ITEM)))


def batches(messages: Sequence[Sample], size: int = _BATCH) -> Iterator[Rows]:
    """Yield the rows of `messages`, `size` orders at a time."""
    for start in range(0, len(messages), size):
        rows = Rows([], [], [], [])
        for offset, (_, body) in enumerate(messages[start : start + size], start):
            _add(rows, decode(body), offset)
        yield rows


def _copy_statement(table: str) -> bytes:
    columns = ", ".join(getattr(_COLUMNS, table)[0])
    return f"COPY orders.{table} ({columns}) FROM STDIN".encode()


_STATEMENTS = [(table, _copy_statement(table)) for table in Rows._fields]


def copy(connection: psycopg.Connection[Any], rows: Rows) -> None:
    """Store the rows of one batch in one transaction."""
    with connection.transaction(), connection.cursor() as cursor:
        for table, statement in _STATEMENTS:
            with cursor.copy(statement) as stream:
                for row in getattr(rows, table):
                    stream.write_row(row)


def copy_rate(stack: Stack, prepared: Sequence[Rows]) -> float:
    """Return the orders a second that COPY stores over one connection."""
    stack.empty()
    with psycopg.connect(stack.dsn) as connection:
        began = time.perf_counter()
        for rows in prepared:
            copy(connection, rows)
        elapsed = time.perf_counter() - began
    return sum(len(rows.orders) for rows in prepared) / elapsed


_LIMIT: LiteralString = (
    "the limit: COPY of the same rows, already parsed, same tables, one connection"
)


def run(scale: Scale) -> Sequence[Row]:
    """Measure."""
    messages = list(samples(scale.orders))
    prepared = list(batches(messages))
    with running_stack(with_kafka=True) as stack:
        count = stack.send(messages)
        ours, theirs = alternate(
            lambda: our_rate(stack, count), lambda: copy_rate(stack, prepared), scale.pairs
        )
    return [
        Row(
            "Ingest: Kafka to committed rows in four tables, cache and committed offsets",
            _LIMIT,
            at_least(0.65),
            ours,
            theirs,
            "orders/s",
            f"{count:,} orders; ours as in the row above; COPY of Python values, no cache, no "
            f"Kafka, a commit every {_BATCH:,} orders.",
        )
    ]


if __name__ == "__main__":
    command.main(run, __doc__)
