"""Prepared statements over a few connections in an event loop: nobody waits in a thread.

Each connection has one statement under way. It speaks to libpq itself: what psycopg makes of a
statement (a coroutine, a cursor, Python values) takes several times as long. It has no second try:
what cannot be told goes back to whoever asked, who has another way to ask.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

import psycopg
from psycopg import pq

from .faults import UnavailableError
from .own_session import OwnSession
from .sql import Query, Statement

Values = Sequence[bytes | None]
"""A row, each value in Postgres' text format."""

Then = Callable[[Sequence[Values] | psycopg.Error], None]
"""Told the rows; LateError if there was no answer in time, any other error if there is none."""

_REST = 1.0
"""Seconds until it is tried again to connect."""

_LIFETIME = 3600.0
"""Seconds after which a connection is replaced, as those of a pool are: servers and addresses
change, and sessions gather memory."""


class LateError(psycopg.OperationalError):
    """The server did not answer in time."""


class Lender(Protocol):
    """Lends connections for long, and knows of the database's health. Thread-safe.

    Attributes:
        patience: Seconds that a statement may take.
    """

    @property
    def patience(self) -> float: ...  # noqa: D102 - above

    @property
    def well(self) -> bool:
        """Whether the database is believed to answer."""

    def lend(self, statements: Sequence[Statement]) -> OwnSession:
        """Return a connection on which statements are prepared; blocks.

        Raises:
            UnavailableError: There is none now.
            psycopg.Error: A statement is at fault.
        """

    def take_back(self, connection: OwnSession) -> None:
        """Take a connection back, which nobody uses any more or which is closed."""

    def told(self, query: Query, seconds: float, *, ok: bool) -> None:
        """Take note of a statement that has ended."""

    def late(self) -> None:
        """Take note that the database does not answer."""


class _Line:
    """A connection, and the statement under way.

    Attributes:
        connection: Lent.
        server: The same as libpq knows it.
        fileno: Of its socket.
        ends: When it is to be replaced, by the clock of the loop.
        query: What is asked; None if there is no statement under way.
        began: When it was sent, by the clock of the loop.
        then: Whoever is told.
        result: The last one that came.
    """

    __slots__ = ("began", "connection", "ends", "fileno", "query", "result", "server", "then")

    def __init__(self, connection: OwnSession, ends: float) -> None:
        self.connection = connection
        self.server = connection.pgconn
        self.fileno = self.server.socket
        self.ends = ends
        self.query: Query | None = None
        self.began = 0.0
        self.then: Then = _nobody
        self.result: pq.abc.PGresult | None = None


class LoopQueries:
    """Runs statements on one database. Used in one event loop.

    Args:
        lender: Where connections come from.
        statements: Those that are run.
        lines: How many at the same time.
    """

    def __init__(self, lender: Lender, statements: Sequence[Statement], lines: int) -> None:
        self._lender = lender
        self._statements = statements
        self._wanted = lines
        self._lines: list[_Line] = []
        self._idle: list[_Line] = []
        self._connecting = False
        self._closed = False
        self._next_try = 0.0
        self._loop: asyncio.AbstractEventLoop
        self._watch: asyncio.TimerHandle | None = None

    def ready(self) -> bool:
        """Whether there is a connection; what is missing is connected in the background."""
        if len(self._lines) < self._wanted:
            self._connect_soon()
        return bool(self._lines) and self._lender.well

    @property
    def free(self) -> int:
        """How many statements can be begun now."""
        return len(self._idle)

    def begin(self, statement: Statement, parameters: Sequence[str], then: Then) -> None:
        """Run a statement; call it only when there is a `free` connection.

        Args:
            statement: One of those that are prepared.
            parameters: In the order of their numbers.
            then: Called once, later, in the loop.
        """
        line = self._idle.pop()
        line.query, line.then = statement.query, then
        line.began = self._loop.time()
        if self._watch is None:
            self._watch = self._loop.call_later(self._lender.patience, self._look)
        try:
            line.server.send_query_prepared(
                statement.name.encode(), [each.encode() for each in parameters]
            )
            if line.server.flush():
                self._loop.add_writer(line.fileno, self._send_on, line)
        except psycopg.OperationalError as error:
            self._loop.call_soon(self._lose, line, error)

    def close(self) -> None:
        """End the connections; called when the loop has ended."""
        self._closed = True
        for line in self._lines:
            if line.query is not None:
                line.connection.close()
            self._lender.take_back(line.connection)

    # Connecting.

    def _connect_soon(self) -> None:
        if self._connecting or self._closed:
            return
        self._loop = asyncio.get_running_loop()
        if self._loop.time() >= self._next_try:
            self._connecting = True
            missing = self._wanted - len(self._lines)
            threading.Thread(
                target=self._connect, args=[missing], name="postgres-lines", daemon=True
            ).start()

    def _connect(self, missing: int) -> None:
        lent: list[OwnSession] = []
        try:
            while len(lent) < missing:
                lent.append(self._lender.lend(self._statements))
        except (UnavailableError, psycopg.Error):
            pass  # whoever asks otherwise meets the same, and says so
        finally:
            self._hand_over(lent)

    def _hand_over(self, lent: Sequence[OwnSession]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._connected, lent)
        except RuntimeError:  # the loop has ended meanwhile
            for connection in lent:
                self._lender.take_back(connection)

    def _connected(self, lent: Sequence[OwnSession]) -> None:
        self._connecting = False
        now = self._loop.time()
        self._next_try = now + _REST
        for connection in lent:
            # Not all at once: the others work meanwhile.
            line = _Line(connection, now + _LIFETIME * (1 - 0.1 * len(self._lines)))
            self._lines.append(line)
            self._idle.append(line)
            self._loop.add_reader(line.fileno, self._read, line)

    # Answers.

    def _send_on(self, line: _Line) -> None:
        """Send more of a statement that did not fit into the socket's buffer."""
        try:
            if not line.server.flush():
                self._loop.remove_writer(line.fileno)
        except psycopg.OperationalError as error:
            self._lose(line, error)

    def _read(self, line: _Line) -> None:
        server = line.server
        try:
            server.consume_input()
            while line.query is not None and not server.is_busy():
                result = server.get_result()
                if result is None:
                    self._end(line)
                    return
                line.result = result
        except psycopg.OperationalError as error:
            self._lose(line, error)

    def _end(self, line: _Line) -> None:
        """Tell what came of a statement, once the connection is ready for the next one."""
        result, query, then = line.result, line.query, line.then
        line.result, line.query, line.then = None, None, _nobody
        ok = result is not None and result.status == pq.ExecStatus.TUPLES_OK
        now = self._loop.time()
        if query is not None:
            self._lender.told(query, now - line.began, ok=ok)
        if now < line.ends:
            self._idle.append(line)
        else:
            self._drop(line, broken=False)
        then(_rows(result) if result is not None and ok else _refused(result))

    def _look(self) -> None:
        """Give up what has waited for too long, and look again when the next may have."""
        self._watch = None
        now, patience = self._loop.time(), self._lender.patience
        busy = [line for line in self._lines if line.query is not None]
        late = [line for line in busy if line.began + patience <= now]
        if len(busy) > len(late):
            first = min(line.began for line in busy if line not in late)
            self._watch = self._loop.call_later(first + patience - now, self._look)
        if late:
            self._lender.late()
        for line in late:
            self._lose(line, LateError("no answer in time"))

    def _lose(self, line: _Line, error: psycopg.Error) -> None:
        """End a connection, and tell whoever waits for it why."""
        if line not in self._lines:
            return  # it was lost already
        query, then = line.query, line.then
        line.query, line.then = None, _nobody
        if line in self._idle:
            self._idle.remove(line)
        self._drop(line, broken=True)
        if query is not None:
            self._lender.told(query, self._loop.time() - line.began, ok=False)
        then(error)

    def _drop(self, line: _Line, *, broken: bool) -> None:
        self._lines.remove(line)
        self._loop.remove_reader(line.fileno)
        self._loop.remove_writer(line.fileno)
        if broken:
            line.connection.close()
        self._lender.take_back(line.connection)


def _nobody(_: Sequence[Values] | psycopg.Error) -> None:
    """Nobody waits for a connection that has nothing to do."""


def _rows(result: pq.abc.PGresult) -> Sequence[Values]:
    columns, value = range(result.nfields), result.get_value
    return [[value(row, column) for column in columns] for row in range(result.ntuples)]


def _refused(result: pq.abc.PGresult | None) -> psycopg.Error:
    message = b"no result" if result is None else result.error_message
    return psycopg.DatabaseError(message.decode(errors="replace"))
