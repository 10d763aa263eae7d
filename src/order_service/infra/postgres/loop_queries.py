"""Prepared statements over a few connections in an event loop: nobody waits in a thread.

Each connection has one statement under way. It speaks to libpq itself: what psycopg makes of a
statement (a coroutine, a cursor, Python values) takes several times as long. It has no second try:
what cannot be told goes back to whoever asked, who has another way to ask.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import NamedTuple

import psycopg
import structlog
from psycopg import pq

from .faults import STALE_FAILS_WITHIN, UnavailableError, is_outdated, is_transient, refusal_of
from .lending import Lender
from .own_session import OwnSession
from .sql import Query, Statement

_log = structlog.get_logger(__name__)

Values = Sequence[bytes | None]
"""A row, each value in Postgres' text format."""

Then = Callable[[Sequence[Values] | psycopg.Error], None]
"""Told the rows; LateError if there was no answer in time, or it took long to fail; any other error
if there is none."""

_REST = 1.0
"""Seconds until it is tried again to connect."""

_LIFETIME = 3600.0
"""Seconds after which a connection goes back. That is the longest for which the pool keeps one, as
servers and addresses change and sessions gather memory, so that it is replaced there."""


class LateError(psycopg.OperationalError):
    """The server did not answer in time."""


class _Line:
    """A connection, and the statement under way; times are of `time.monotonic`.

    Attributes:
        connection: Lent.
        server: The same as libpq knows it.
        fileno: Of its socket.
        ends: When it goes back.
        query: What is asked; None if there is no statement under way.
        began: When it was sent.
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


class _Ended(NamedTuple):
    """A statement that was under way; `query` is None if there was none."""

    query: Query | None
    seconds: float
    then: Then


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
        self._next_try = 0.0
        self._loop: asyncio.AbstractEventLoop
        self._watch: asyncio.TimerHandle | None = None
        # Of the thread that connects as well.
        self._lock = threading.Lock()
        self._lent: list[OwnSession] = []
        self._closed = False

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
        values = [each.encode() for each in parameters]
        line = self._idle.pop()
        line.query, line.then = statement.query, then
        line.began = monotonic()
        if self._watch is None:
            self._watch = self._loop.call_later(self._lender.patience, self._look)
        try:
            line.server.send_query_prepared(statement.name.encode(), values)
            if line.server.flush():
                self._loop.add_writer(line.fileno, self._send_on, line)
        except psycopg.OperationalError as error:
            self._loop.call_soon(self._lose, line, error)

    def close(self) -> None:
        """End the connections; called when the loop has ended."""
        with self._lock:
            self._closed = True
            lent, self._lent = self._lent, []
        for connection in lent:
            self._lender.take_back(connection)
        for line in self._lines:
            if line.query is not None:
                line.connection.close()
            self._lender.take_back(line.connection)

    # Connecting.

    def _connect_soon(self) -> None:
        if self._connecting or self._closed or monotonic() < self._next_try:
            return
        self._loop = asyncio.get_running_loop()
        missing = self._wanted - len(self._lines)
        connecting = threading.Thread(
            target=self._connect, args=[missing], name="postgres-lines", daemon=True
        )
        try:
            connecting.start()
        except RuntimeError:  # the system has no thread for it now
            self._next_try = monotonic() + _REST
        else:
            self._connecting = True

    def _connect(self, missing: int) -> None:
        try:
            for _ in range(missing):
                self._hand_over(self._lender.lend(self._statements))
        except (UnavailableError, psycopg.Error):
            pass  # whoever asks otherwise meets the same, and says so
        finally:
            with suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(self._connected)

    def _hand_over(self, connection: OwnSession) -> None:
        with self._lock:
            if not self._closed:
                self._lent.append(connection)
                return
        self._lender.take_back(connection)

    def _connected(self) -> None:
        self._connecting = False
        now = monotonic()
        self._next_try = now + _REST
        with self._lock:
            lent, self._lent = self._lent, []
        for connection in lent:
            # Not all at once: the others work meanwhile.
            line = _Line(connection, now + _LIFETIME * (1 + 0.1 * len(self._lines)))
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
        ended = self._taken_from(line)
        result, line.result = line.result, None
        if result is not None and result.status == pq.ExecStatus.TUPLES_OK:
            if monotonic() < line.ends:
                self._idle.append(line)
            else:
                self._drop(line, broken=False)
            self._tell(ended, partial(_rows, result))
            return
        error = refusal_of(result)
        if is_outdated(error):
            self._drop(line, broken=True)
        else:
            self._idle.append(line)
        self._fail(ended, error)

    def _look(self) -> None:
        """Give up what has waited for too long, and look again when the next may have."""
        self._watch = None
        now, patience = monotonic(), self._lender.patience
        busy = [line for line in self._lines if line.query is not None]
        late = [line for line in busy if line.began + patience <= now]
        if len(busy) > len(late):
            first = min(line.began for line in busy if line not in late)
            self._watch = self._loop.call_later(first + patience - now, self._look)
        for line in late:
            self._lose(line, LateError("no answer in time"))

    def _lose(self, line: _Line, error: psycopg.Error) -> None:
        """End a connection, and tell whoever waits for it why."""
        if line not in self._lines:
            return  # it was lost already
        ended = self._taken_from(line)
        if line in self._idle:
            self._idle.remove(line)
        self._drop(line, broken=True)
        if ended.query is not None:
            self._fail(ended, error)

    def _drop(self, line: _Line, *, broken: bool) -> None:
        self._lines.remove(line)
        self._loop.remove_reader(line.fileno)
        self._loop.remove_writer(line.fileno)
        if broken:
            line.connection.close()
        self._lender.take_back(line.connection)

    # Telling: the connection is in order by then, whatever happens here.

    def _taken_from(self, line: _Line) -> _Ended:
        """Return what was under way on a connection, which has nothing to do any more."""
        ended = _Ended(line.query, monotonic() - line.began, line.then)
        line.query, line.then = None, _nobody
        return ended

    def _fail(self, ended: _Ended, error: psycopg.Error) -> None:
        """Tell of a failure; one that took long is not worth a second try, which would as well."""
        slow = is_transient(error) and ended.seconds > STALE_FAILS_WITHIN
        if slow or isinstance(error, LateError):
            self._lender.late()
            error = LateError(str(error))
        self._tell(ended, lambda: error)

    def _tell(self, ended: _Ended, answer: Callable[[], Sequence[Values] | psycopg.Error]) -> None:
        try:
            told = answer()
        except Exception as error:  # noqa: BLE001 - who waits must be told
            _log.exception("an answer of Postgres cannot be read")
            told = psycopg.DataError(repr(error))
        try:
            ended.then(told)
        except Exception:  # noqa: BLE001 - the other connections go on
            _log.exception("an answer of Postgres could not be given")
        if ended.query is not None:
            ok = not isinstance(told, psycopg.Error)
            self._lender.told(ended.query, ended.seconds, ok=ok)


def _nobody(_: Sequence[Values] | psycopg.Error) -> None:
    """Nobody waits for a connection that has nothing to do."""


def _rows(result: pq.abc.PGresult) -> Sequence[Values]:
    columns, value = range(result.nfields), result.get_value
    return [[value(row, column) for column in columns] for row in range(result.ntuples)]
