"""The tables of orders by the order's id, as they are, and by a number that grows.

With many stored against few. Only Postgres is measured: two connections store new orders as the
consumer does, by COPY.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter
from typing import NamedTuple

import psycopg

from benchmarks import command
from benchmarks.harness import FULL, Row, Scale, at_least
from benchmarks.orders import samples
from benchmarks.points import running_database
from order_service.contexts.orders.decode import decode
from order_service.contexts.orders.model import Document
from order_service.contexts.orders.ports import Rows, Source
from order_service.contexts.orders.rows import rows_of
from order_service.embedded.postgres import PostgresServer
from order_service.infra.postgres.sql import load_queries
from order_service.infra.resources import bundled

_FEW = 10_000
_CHUNK = 250_000
_SLICE = 500  # half of orders.batch_messages: a lane's
_TABLES = ("orders", "deliveries", "payments", "items")
_PARTS = ("order", "delivery", "payment", "items")
_KEYS = ("order_uid", "order_id")
_OWN_KEY = """order_uid varchar(64) COLLATE "C" NOT NULL UNIQUE CHECK (order_uid <> ''),
    order_id bigint PRIMARY KEY,"""

Slice = tuple[list[str], list[bytes]]
"""The uids of some orders, and what is copied into each table."""


class Tables(NamedTuple):
    """One set of the four tables, in a schema of its own."""

    dsn: str
    key: str
    size: int

    @property
    def schema(self) -> str:
        """Its name."""
        return f"{self.key}_{self.size}"

    @property
    def grows(self) -> bool:
        """Whether a growing number is the key of the four tables."""
        return self.key == "order_id"

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Return a connection that finds the tables without their schema."""
        options = f"-c search_path={self.schema}"
        return psycopg.connect(self.dsn, autocommit=True, options=options)


def _definition(tables: Tables) -> str:
    """Return the migration of the orders, for another schema and perhaps another key."""
    (file,) = bundled("migrations").glob("orders/0001-create-orders.sql")
    text = file.read_text().replace("SCHEMA IF NOT EXISTS orders", f"SCHEMA {tables.schema}")
    text = re.sub(r"\borders\.(?=\w)", "", text)
    if tables.grows:
        own = re.compile(r"order_uid +varchar\(64\) COLLATE \"C\" +PRIMARY KEY CHECK[^,]+,")
        text = own.sub(_OWN_KEY, text, count=1)
        head, _, rest = text.partition("CREATE TABLE IF NOT EXISTS deliveries")
        rest = re.sub(r"order_uid( +)varchar\(64\) COLLATE \"C\"", "order_id bigint", rest)
        rest = rest.replace("(order_uid, position)", "(order_id, position)")
        text = f"{head}CREATE TABLE IF NOT EXISTS deliveries{rest}"
    return text


def _fillings(tables: Tables) -> Iterator[str]:
    """Yield the statements of the other benchmark that grows tables, for these."""
    for name, query in load_queries("benchmarks", "fill.sql").items():
        text = query.text.replace("INTO orders.", "INTO ")
        if tables.grows and name == "orders":
            text = text.replace(
                "SELECT substr(md5(n::text), 1, 19),", "SELECT substr(md5(n::text), 1, 19), n,", 1
            )
        elif tables.grows and name == "payments":
            text = text.replace("SELECT uid, uid,", "SELECT n, uid,").replace("AS uid", "AS uid, n")
        elif tables.grows:
            text = text.replace("substr(md5(n::text), 1, 19)", "n", 1)
        # In the order of the key, which is what takes least time.
        yield text + (" ORDER BY 1" if not tables.grows else "")


def fill(tables: Tables) -> None:
    """Make the tables and fill them."""
    with tables.connect() as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {tables.schema} CASCADE".encode())
        connection.execute(_definition(tables).encode())
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET synchronous_commit = off")
        for first in range(1, tables.size + 1, _CHUNK):
            numbers = {"first": first, "last": min(tables.size, first + _CHUNK - 1)}
            for statement in _fillings(tables):
                connection.execute(statement.encode(), numbers)
        connection.execute("VACUUM ANALYZE orders, deliveries, payments, items")


def _rows(orders: int, seed: int) -> list[tuple[str, Rows]]:
    found = []
    for offset, (uid, body) in enumerate(samples(orders, seed)):
        order = decode(body)
        found.append((uid, rows_of(order, Document.of(order), Source("", 0, offset))))
    return found


def _numbered(uid: str, number: int, rows: Rows) -> Rows:
    """Return rows with a number as their key; only the order itself keeps its uid."""
    old, new = uid.encode() + b"\t", b"%d\t" % number
    items = b"".join(new + line.removeprefix(old) for line in rows.items.splitlines(keepends=True))
    return Rows(
        old + new + rows.order.removeprefix(old),
        new + rows.delivery.removeprefix(old),
        new + rows.payment.removeprefix(old),
        items,
    )


def _slices(tables: Tables, orders: int, seed: int) -> list[Slice]:
    """Return what the lanes store, in the order of the uids within a slice."""
    made, numbers = _rows(orders, seed), itertools.count(10**9 + seed * 10**6)
    slices = []
    for start in range(0, len(made), _SLICE):
        part = sorted(made[start : start + _SLICE], key=lambda each: each[0])
        rows = [_numbered(uid, next(numbers), r) if tables.grows else r for uid, r in part]
        columns = [b"".join(getattr(each, part) for each in rows) for part in _PARTS]
        slices.append(([uid for uid, _ in part], columns))
    return slices


def _copies(tables: Tables) -> Sequence[bytes]:
    """Return the statements of the service, for these tables."""
    queries = load_queries("order_service.contexts.orders", "queries.sql")
    texts = [queries[f"copy_{table}"].text.replace("orders.", "") for table in _TABLES]
    if tables.grows:
        texts[0] = texts[0].replace("order_uid,", "order_uid, order_id,")
        texts[1:] = [text.replace("order_uid", "order_id") for text in texts[1:]]
    return [text.encode() for text in texts]


def _store(tables: Tables, slices: Sequence[Slice]) -> None:
    """Store slices on one connection, each in a transaction."""
    known = b"SELECT order_uid FROM orders WHERE order_uid = ANY (%s)"
    copies = _copies(tables)
    with tables.connect() as connection:
        for uids, columns in slices:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.execute(known, [uids])
                for statement, rows in zip(copies, columns, strict=True):
                    with cursor.copy(statement) as stream:
                        stream.write(rows)


def rate(tables: Tables, orders: int, seed: int) -> float:
    """Return the new orders a second that two lanes store."""
    slices = _slices(tables, orders, seed)
    began = perf_counter()
    with ThreadPoolExecutor(2) as lanes:
        list(lanes.map(partial(_store, tables), [slices[::2], slices[1::2]]))
    return orders / (perf_counter() - began)


def _measure(server: PostgresServer, scale: Scale) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Return for each key the rates with many and with few orders, taken in turns."""
    dsn, orders = server.admin_dsn(), scale.orders // 2
    many = [Tables(dsn, key, scale.stored) for key in _KEYS]
    with ThreadPoolExecutor(2) as both:
        list(both.map(fill, many))
    found: dict[str, list[tuple[float, float]]] = {key: [] for key in _KEYS}
    for seed, tables in itertools.product(range(scale.pairs + 1), many):
        few = tables._replace(size=_FEW)
        fill(few)
        pair = rate(tables, orders, seed + 100), rate(few, orders, seed + 100)
        found[tables.key] += [pair] if seed else []  # the first is the warm-up
    return found


def run(scale: Scale) -> Sequence[Row]:
    """Measure."""
    with running_database() as (server, _):
        found = _measure(server, scale)
    return [_row(key, found[key], scale) for key in _KEYS]


def _row(key: str, pairs: Sequence[tuple[float, float]], scale: Scale) -> Row:
    leads = "the id of the order" if key == _KEYS[0] else "a number that grows"
    return Row(
        f"Postgres alone: new orders with {scale.stored:,} stored, {leads} leads the keys",
        f"with {_FEW:,} orders stored",
        at_least(0.8),
        [many for many, _ in pairs],
        [few for _, few in pairs],
        "orders/s",
        f"{scale.orders // 2:,} new orders a run by COPY, {_SLICE} a transaction, two "
        "connections; the smaller tables are made anew.",
        scale.stored < FULL.stored,
    )


if __name__ == "__main__":
    command.main(run, __doc__)
