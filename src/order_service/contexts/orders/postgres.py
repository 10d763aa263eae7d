"""The repository on Postgres: new orders by COPY, others by one statement; one reads an order."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, LiteralString

import msgspec
import psycopg

from order_service.infra.ahead import map_ahead
from order_service.infra.postgres.database import Database, Isolation, Transaction
from order_service.infra.postgres.faults import UnavailableError, is_refusal
from order_service.infra.postgres.sql import Query, Row, load_queries

from .errors import StorageRejectedError, StorageUnavailableError
from .model import Document, Order, digest
from .ports import (
    ABSENT,
    Absent,
    OrderFilter,
    OrderRecord,
    OrderSummary,
    Outcome,
    Position,
    Rows,
    Source,
    Standing,
)

ISOLATION: Isolation = "repeatable read"
"""Lets a write fail, to be repeated, that waited for another one of the same rows.

With read committed its statement goes on with a mixture: the rows that it waited for are new to
it, those that depend on them it still sees as they were before the wait. A statement that replaces
an order then leaves items of the version that it overwrites.
"""

_QUERIES = load_queries(__package__, "queries.sql")
_SAVE = _QUERIES["save_orders"]
_STORED_UIDS = _QUERIES["stored_uids"]
_decode_stored = msgspec.json.Decoder(Order).decode

# Behind every order: where the first page begins. Years beyond 9999 are not orders'.
_NEWEST = Position(datetime.max.replace(tzinfo=UTC), "\U0010ffff")


def _with(query: Query, place: str, condition: LiteralString) -> Query:
    """Return `query` with `condition` put in at `place`."""
    return query._replace(text=query.text.replace(place, condition))


FIND_ONE = _with(_QUERIES["find_orders"], "{source}", _QUERIES["one_order"].text)
FIND_MANY = _with(_QUERIES["find_orders"], "{source}", _QUERIES["listed_orders"].text)

_PAGES_AT_ONCE = 2
"""Pages that are read at the same time: the database works each one off on a core."""

# The condition of each field of OrderFilter, in its order.
_CONDITIONS: tuple[LiteralString, ...] = (
    "AND customer_id = %(customer_id)s",
    "AND track_number = %(track_number)s",
    "AND date_created >= %(created_from)s",
    "AND date_created < %(created_before)s",
)


class PostgresOrders:
    """Implements :class:`ports.OrderRepository` and :class:`ports.Standings`; thread-safe.

    Args:
        database: An open database with the isolation of this module.
        worth_copying: Batches of so many orders pay for the round trips of ``COPY``.
    """

    def __init__(self, database: Database, worth_copying: int = 20) -> None:
        self._database = database
        self._worth_copying = worth_copying

    def save(self, records: Sequence[OrderRecord]) -> Mapping[str, Outcome]:
        """See :meth:`ports.OrderRepository.save`."""
        try:
            if len(records) >= self._worth_copying:
                # Another consumer may store an order after this one has looked for it. One
                # statement copes with that.
                with contextlib.suppress(psycopg.errors.UniqueViolation):
                    return self._save_new_apart(records)
            return _outcomes(records, self._database.write(_SAVE, _packed(records)))
        except UnavailableError as error:
            raise StorageUnavailableError(str(error)) from error
        except psycopg.Error as error:
            raise _refused(error, records) from error

    def _save_new_apart(self, records: Sequence[OrderRecord]) -> Mapping[str, Outcome]:
        """Store new orders by ``COPY`` and the others by one statement, in one transaction."""
        with self._database.transaction(_SAVE.name) as transaction:
            uids = [record.uid for record in records]
            stored = {uid for (uid,) in transaction.execute(_STORED_UIDS, {"uids": uids})}
            _copy(transaction, [record.rows for record in records if record.uid not in stored])
            known = [record for record in records if record.uid in stored]
            saved = transaction.execute(_SAVE, _packed(known)) if known else []
        return dict.fromkeys(uids, Outcome.CREATED) | _outcomes(known, saved)

    def find(self, uid: str) -> Document | None:
        """See :meth:`ports.OrderRepository.find`."""
        return self._find(FIND_ONE, {"uid": uid}).get(uid)

    def find_many(self, uids: Sequence[str]) -> Mapping[str, Document | Absent]:
        """See :meth:`ports.OrderRepository.find_many`."""
        if len(uids) == 1:
            return {uids[0]: self.find(uids[0]) or ABSENT}
        found = self._find_listed(uids)
        return {uid: found.get(uid, ABSENT) for uid in uids}

    def _find_listed(self, uids: Sequence[str]) -> Mapping[str, Document]:
        return self._find(FIND_MANY, {"uids": ",".join(uids)})

    def _find(self, query: Query, parameters: Mapping[str, object]) -> Mapping[str, Document]:
        rows = self._read(query, parameters)
        return {uid: document_of(kept, text.encode()) for uid, kept, text in rows}

    def newest(self, limit: int, page_size: int) -> Iterator[Sequence[tuple[str, Document]]]:
        """See :meth:`ports.OrderRepository.newest`."""
        # The keys come from one index in no time, the orders themselves do not.
        yield from map_ahead(self._page, self._newest_uids(limit, page_size), _PAGES_AT_ONCE)

    def _newest_uids(self, limit: int, page_size: int) -> Iterator[list[str]]:
        """Yield the uids of the newest orders by pages."""
        after = _NEWEST
        while limit > 0:
            page = {"limit": min(limit, page_size), **after._asdict()}
            keys = self._read(_QUERIES["newest_uids"], page)
            if not keys:
                return
            yield [uid for uid, _ in keys]
            after = Position(keys[-1][1], keys[-1][0])
            limit -= len(keys)

    def _page(self, uids: list[str]) -> Sequence[tuple[str, Document]]:
        """Return those of the orders that are still there."""
        found = self._find_listed(uids)
        return [(uid, found[uid]) for uid in uids if uid in found]

    def search(
        self, wanted: OrderFilter, limit: int, after: Position | None
    ) -> Sequence[OrderSummary]:
        """See :meth:`ports.OrderRepository.search`."""
        position = after or _NEWEST
        parameters = {"limit": limit, **wanted._asdict(), **position._asdict()}
        return [OrderSummary(*row) for row in self._read(_search_query(wanted), parameters)]

    def standings(self, uids: Sequence[str]) -> Mapping[str, Standing]:
        """See :meth:`ports.Standings.standings`."""
        rows = self._read(_QUERIES["standings"], {"uids": list(uids)})
        return {
            uid: Standing(kept, Source(*source), stored_at)
            for uid, kept, *source, stored_at in rows
        }

    def check(self) -> None:
        """Raise StorageUnavailableError unless the tables can be read."""
        self._read(_QUERIES["check_schema"], {})

    def _read(self, query: Query, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
        try:
            return self._database.read(query, parameters)
        except (UnavailableError, psycopg.Error) as error:
            raise StorageUnavailableError(str(error)) from error


def _refused(error: psycopg.Error, records: Sequence[OrderRecord]) -> Exception:
    """Return what a refused write means; only data faults are the records' own."""
    if is_refusal(error):
        return StorageRejectedError([record.uid for record in records], _without_data(error))
    # Missing tables or rights: a fault of the installation, not of the messages.
    return StorageUnavailableError(str(error))


def _copy(transaction: Transaction, rows: Sequence[Rows]) -> None:
    """Insert orders that are not stored; parents first."""
    if rows:
        transaction.copy(_QUERIES["copy_orders"], b"".join([each.order for each in rows]))
        transaction.copy(_QUERIES["copy_deliveries"], b"".join([each.delivery for each in rows]))
        transaction.copy(_QUERIES["copy_payments"], b"".join([each.payment for each in rows]))
        transaction.copy(_QUERIES["copy_items"], b"".join([each.items for each in rows]))


def _outcomes(records: Sequence[OrderRecord], rows: Sequence[Row]) -> dict[str, Outcome]:
    """Return the outcome of each record, given the rows that `save_orders` returned."""
    written = {uid: Outcome.CREATED if created else Outcome.REPLACED for uid, created in rows}
    return {record.uid: written.get(record.uid, Outcome.UNCHANGED) for record in records}


def _packed(records: Sequence[OrderRecord]) -> Mapping[str, str]:
    """Return the parameter of `save_orders`: a JSON array around the canonical JSON."""
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
    return {"records": (b"[" + b",".join(parts) + b"]").decode()}


def document_of(stored_digest: str, body: bytes) -> Document:
    """Return the document of an order that Postgres wrote as JSON.

    The digest tells that it is in canonical form already. Should an edition of Postgres write it
    otherwise, it takes longer and that is all.
    """
    if digest(body) == stored_digest:
        return Document(stored_digest, body)
    return Document.of(_decode_stored(body))


def _search_query(wanted: OrderFilter) -> Query:
    """Return the list's statement with the conditions of the filters that are set."""
    query = _QUERIES["search_orders"]
    conditions = [
        condition for condition, value in zip(_CONDITIONS, wanted, strict=True) if value is not None
    ]
    return _with(query, "{conditions}", " ".join(conditions))


def _without_data(error: psycopg.Error) -> str:
    """Return the database's message without its DETAIL, which quotes the row."""
    return error.diag.message_primary or type(error).__name__
