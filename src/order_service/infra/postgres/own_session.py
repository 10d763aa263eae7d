"""Connections to Postgres whose session is their own, also where a pooler lies in between.

What is said once and holds for longer than a transaction belongs to a session of the server: the
deadlines of statements, prepared statements, the advisory locks of relays and migrations. A pooler
that lends its sessions for a transaction gives all of that to whoever comes next: two relays would
hold one lease, and lookups would have the patience of a relay. So a connection is refused whose
session is not its own.

A pooler shows by the number that it tells a client for cancelling: it cannot be that of a session
which it has not chosen yet. Its mode it tells nobody but its admin, so it is tried: an advisory
lock must be there after the transaction that took it, and be gone after the connection.
"""

import contextlib
import random
import time
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, LiteralString, Self

import psycopg
from psycopg import Connection
from psycopg.conninfo import make_conninfo

from .sql import Row

REMEDY = (
    "let it pool sessions (PgBouncer: pool_mode = session, and server_reset_query = DISCARD ALL), "
    "or name the server itself"
)

NO_SETTINGS: Mapping[str, str] = {}

_SPACE = zlib.crc32(b"order-service sessions") >> 1
_NUMBERS = 100
"""Few: where a pooler is refused, a lock may be left behind in each of its sessions."""

_RESET_WITHIN = 1.0
"""Seconds that a pooler gets to clear a session after its client."""
_LOOK_EVERY = 0.02

_SET = """
SELECT set_config(name, value, false)
FROM unnest(%s::text[], %s::text[]) AS setting (name, value)
"""
_TAKE = "SELECT pg_backend_pid(), pg_advisory_lock_shared(%s, %s)::text"
_HOLDS = """
SELECT pg_backend_pid() = %(pid)s, EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 2 AND pid = %(pid)s
        AND classid = %(space)s::oid AND objid = %(number)s::oid
)
"""
_GIVE_BACK = """
SELECT pg_advisory_unlock_shared(%(space)s, %(number)s) WHERE pg_backend_pid() = %(pid)s
"""


class SharedSessionError(psycopg.OperationalError):
    """A pooler lends the sessions of the server for less than the life of a connection.

    Attributes:
        found: What is wrong, without the remedy.
    """

    found = (
        "a pooler in front of Postgres shares sessions between connections: locks, prepared "
        "statements and timeouts of one would be those of others"
    )

    def __init__(self) -> None:
        super().__init__(f"{self.found}: {REMEDY}")


class OwnSession(Connection[Row]):
    """A connection that commits each statement, and has one session from its begin to its end."""

    @classmethod
    def connect(  # type: ignore[override] # psycopg takes all other keywords for libpq's
        cls,
        conninfo: str = "",
        *,
        session: Mapping[str, str] = NO_SETTINGS,
        **keywords: Any,  # noqa: ANN401 - as psycopg has it
    ) -> Self:
        """Connect, and set what holds for all of the session.

        Args:
            conninfo: libpq keywords.
            session: Settings of the server by name. They are said afterwards, as a pooler refuses
                those that it does not know while somebody connects.
            keywords: More of libpq or psycopg.

        Raises:
            SharedSessionError: A pooler lies in between that shares sessions.
            psycopg.OperationalError: There is no connection.
        """
        connection = cls._open(conninfo, keywords)
        try:
            if is_pooled(connection):
                connection = cls._prove(connection, conninfo, keywords)
            _ask(connection, _SET, [list(session), list(session.values())])
        except BaseException:
            connection.close()
            raise
        return connection

    @classmethod
    def _open(cls, conninfo: str, keywords: Mapping[str, Any]) -> Self:
        return super().connect(conninfo, **{**keywords, "autocommit": True})

    @classmethod
    def _prove(cls, first: Self, conninfo: str, keywords: Mapping[str, Any]) -> Self:
        """Return another connection, if what `first` held has ended with it, which is closed."""
        same = make_conninfo(conninfo, host=first.info.host, port=first.info.port)
        # One after the other: a pooler may have no session left for a second one.
        with contextlib.closing(first):
            lock = _Lock(first)
            lock.demand_held(first)
        second = cls._open(same, keywords)
        try:
            lock.demand_gone(second)
        except BaseException:
            second.close()
            raise
        return second


def _ask(
    connection: Connection[Row],
    query: LiteralString,
    parameters: Sequence[object] | Mapping[str, object] = (),
) -> Row | None:
    """Return the first row. Nothing is prepared: others may have left a statement of that name."""
    return connection.execute(query, parameters, prepare=False).fetchone()


def is_pooled(connection: Connection[Any]) -> bool:
    """Return whether a pooler lies between us and the server, of whatever mode."""
    return _ask(connection, "SELECT pg_backend_pid()") != (connection.info.backend_pid,)


class _Lock:
    """An advisory lock that is in nobody's way, taken through one connection."""

    def __init__(self, connection: Connection[Row]) -> None:
        number = random.randint(1, _NUMBERS)  # noqa: S311 - no secret
        row = _ask(connection, _TAKE, [_SPACE, number])
        self._names = {"space": _SPACE, "number": number, "pid": row and row[0]}

    def demand_held(self, connection: Connection[Row]) -> None:
        """Raise SharedSessionError unless the connection that took the lock has it still."""
        if _ask(connection, _HOLDS, self._names) != (True, True):
            self._refuse(connection)

    def demand_gone(self, connection: Connection[Row]) -> None:
        """Raise SharedSessionError if the lock outlives the connection that took it."""
        deadline = time.monotonic() + _RESET_WITHIN
        while self._is_there(connection):
            if time.monotonic() > deadline:
                self._refuse(connection)
            time.sleep(_LOOK_EVERY)

    def _is_there(self, connection: Connection[Row]) -> bool:
        row = _ask(connection, _HOLDS, self._names)
        return row is None or row[1]

    def _refuse(self, connection: Connection[Row]) -> None:
        # Mostly the session that was used last is lent again; if not, the lock harms nobody.
        with contextlib.suppress(psycopg.Error):
            _ask(connection, _GIVE_BACK, self._names)
        raise SharedSessionError
