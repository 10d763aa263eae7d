"""The repository on Postgres: one statement stores a batch, one reads an order."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, LiteralString

import msgspec
import psycopg

from order_service.infra.postgres import Database, UnavailableError, is_transient
from order_service.infra.sql import Query, load_queries

from .errors import StorageRejectedError, StorageUnavailableError
from .model import Document, Order
from .ports import OrderFilter, OrderRecord, OrderSummary, Outcome, Position

_QUERIES = load_queries(__package__, "queries.sql")
_decode_stored = msgspec.json.Decoder(Order).decode

# Behind every order: where the first page begins. Years beyond 9999 are not orders'.
_NEWEST = Position(datetime.max.replace(tzinfo=UTC), "\U0010ffff")


def _with(query: Query, place: str, condition: LiteralString) -> Query:
    """Return `query` with `condition` put in at `place`."""
    return query._replace(text=query.text.replace(place, condition))


_FIND_ONE = _with(_QUERIES["find_orders"], "{condition}", "order_uid = %(uid)s")
_FIND_MANY = _with(_QUERIES["find_orders"], "{condition}", "order_uid = ANY (%(uids)s)")

# The condition of each field of OrderFilter, in its order.
_CONDITIONS: tuple[LiteralString, ...] = (
    "AND customer_id = %(customer_id)s",
    "AND track_number = %(track_number)s",
    "AND date_created >= %(created_from)s",
    "AND date_created < %(created_before)s",
)


class PostgresOrders:
    """Implements :class:`ports.OrderRepository`; thread-safe.

    Args:
        database: An open database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, records: Sequence[OrderRecord]) -> Mapping[str, Outcome]:
        """See :meth:`ports.OrderRepository.save`."""
        parameters = {"records": _pack(records)}
        try:
            rows = self._database.write(_QUERIES["save_orders"], parameters)
        except psycopg.Error as error:
            raise self._translated(error, records) from error
        written = {uid: Outcome.CREATED if created else Outcome.REPLACED for uid, created in rows}
        return {record.uid: written.get(record.uid, Outcome.UNCHANGED) for record in records}

    def _translated(self, error: psycopg.Error, records: Sequence[OrderRecord]) -> Exception:
        """Return what a failed write means; only data faults are the records' own."""
        if is_transient(error):
            self._database.discard_connections()
            return StorageUnavailableError(str(error))
        if isinstance(error, psycopg.DataError | psycopg.IntegrityError) or _too_big(error):
            return StorageRejectedError([record.uid for record in records], _without_data(error))
        # Missing tables or rights: a fault of the installation, not of the messages.
        return StorageUnavailableError(str(error))

    def find(self, uid: str) -> Document | None:
        """See :meth:`ports.OrderRepository.find`."""
        return self._find(_FIND_ONE, {"uid": uid}).get(uid)

    def _find(self, query: Query, parameters: Mapping[str, object]) -> Mapping[str, Document]:
        rows = self._read(query, parameters)
        return {uid: Document.of(_decode_stored(text)) for uid, text in rows}

    def newest(self, limit: int, page_size: int) -> Iterator[Sequence[tuple[str, Document]]]:
        """See :meth:`ports.OrderRepository.newest`."""
        after = _NEWEST
        while limit > 0:
            page = {"limit": min(limit, page_size), **after._asdict()}
            keys = self._read(_QUERIES["newest_uids"], page)
            if not keys:
                return
            found = self._find(_FIND_MANY, {"uids": [uid for uid, _ in keys]})
            yield [(uid, found[uid]) for uid, _ in keys if uid in found]
            after = Position(keys[-1][1], keys[-1][0])
            limit -= len(keys)

    def search(
        self, wanted: OrderFilter, limit: int, after: Position | None
    ) -> Sequence[OrderSummary]:
        """See :meth:`ports.OrderRepository.search`."""
        position = after or _NEWEST
        parameters = {"limit": limit, **wanted._asdict(), **position._asdict()}
        return [OrderSummary(*row) for row in self._read(_search_query(wanted), parameters)]

    def check(self) -> None:
        """Raise StorageUnavailableError unless the tables can be read."""
        self._read(_QUERIES["check_schema"], {})

    def _read(self, query: Query, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
        try:
            return self._database.read(query, parameters)
        except UnavailableError as error:
            raise StorageUnavailableError(str(error)) from error


def _pack(records: Sequence[OrderRecord]) -> str:
    """Return the records as one JSON array around their canonical JSON."""
    parts = [
        b'{"digest":"%b","stream":%b,"partition":%d,"offset":%d,"renews":%b,"order":%b}'
        % (
            record.document.digest.encode(),
            b'"%b"' % record.source.stream.encode() if record.source.stream else b"null",
            record.source.partition,
            record.source.offset,
            b"true" if record.renews else b"false",
            record.document.body,
        )
        for record in records
    ]
    return (b"[" + b",".join(parts) + b"]").decode()


def _search_query(wanted: OrderFilter) -> Query:
    """Return the list's statement with the conditions of the filters that are set."""
    query = _QUERIES["search_orders"]
    conditions = [
        condition for condition, value in zip(_CONDITIONS, wanted, strict=True) if value is not None
    ]
    return _with(query, "{conditions}", " ".join(conditions))


def _too_big(error: psycopg.Error) -> bool:
    """Whether a program limit (class 54) was hit, such as the size of an index row."""
    return (error.sqlstate or "").startswith("54")


def _without_data(error: psycopg.Error) -> str:
    """Return the database's message without its DETAIL, which quotes the row."""
    return error.diag.message_primary or type(error).__name__
