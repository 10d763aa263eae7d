"""Postgres behind a pool, with a deadline on every call and one retry for stale connections.

A server that restarts leaves dead connections in the pool, and only their next use tells.
A read that meets one has the pool checked and is repeated once at once; a write is
left to the caller's retry, which knows that it is idempotent.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import psycopg
from psycopg import Connection
from psycopg_pool import ConnectionPool, PoolTimeout

from order_service.infra.bulkhead import Bulkhead, FullError
from order_service.infra.circuit import CircuitBreaker

from .deadline import SocketDeadlines
from .sql import Query

Row = tuple[Any, ...]

_TRANSIENT_CLASSES = ("08", "53", "57")
_TRANSIENT_STATES = frozenset(
    {
        "40001",  # serialization failure
        "40P01",  # deadlock detected
        "55P03",  # lock not available
        "25006",  # read-only transaction: a standby, or a primary that is being demoted
        "58030",  # I/O error
    }
)
_NO_PARAMETERS: Mapping[str, object] = {}


_STALE_FAILS_WITHIN = 0.5


class Settings(NamedTuple):
    """How to reach the database; times in seconds.

    Attributes:
        conninfo: libpq keywords; see :func:`psycopg.conninfo.make_conninfo`.
        call_timeout: Longest time that one transaction may take, checkout excluded.
    """

    conninfo: str
    min_size: int
    max_size: int
    checkout_timeout: float
    call_timeout: float
    circuit_open: float = 1.0


class QueryObserver(Protocol):
    """Told of every statement, for metrics."""

    def queried(self, query: str, seconds: float, *, ok: bool) -> None:
        """The statement named `query` ended after `seconds`."""


class UnavailableError(Exception):
    """The database cannot answer now: no connection, no time, or it is known to be away."""


def is_transient(error: psycopg.Error) -> bool:
    """Return whether the same statement may succeed later.

    The list follows appendix A of the Postgres manual. A server that is killed leaves an
    OperationalError without a state. Statement too complex and the like (class 54) are
    OperationalErrors too, but theirs is a state, and it will not change.
    """
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state.startswith(_TRANSIENT_CLASSES) or state in _TRANSIENT_STATES


def _isolate(connection: Connection[Row]) -> None:
    """Let a write fail, to be repeated, that waited for another one of the same rows.

    With read committed its statement goes on with a mixture: the rows that it waited for are
    new to it, those that depend on them it still sees as they were before the wait. A
    statement that replaces an order then leaves items of the version that it overwrites.
    """
    connection.execute("SET default_transaction_isolation TO 'repeatable read'")


def _run(connection: Connection[Row], query: Query, parameters: Mapping[str, object]) -> list[Row]:
    return connection.execute(query.text, parameters, prepare=True).fetchall()


class Transaction:
    """Statements that take effect together, at the end of the block that they are in."""

    def __init__(self, connection: Connection[Row]) -> None:
        self._connection = connection

    def execute(self, query: Query, parameters: Mapping[str, object]) -> list[Row]:
        """Run a statement and return its rows."""
        return _run(self._connection, query, parameters)

    def copy(self, query: Query, rows: bytes) -> None:
        """Run a ``COPY ... FROM STDIN`` with `rows` in its text format, in UTF-8."""
        with self._connection.cursor() as cursor, cursor.copy(query.text) as stream:
            stream.write(rows)


class Database:
    """Runs statements, each as a transaction or several in one. Thread-safe.

    Open it after any fork.

    Args:
        settings: Where and how patient.
        observer: Told of every statement.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        settings: Settings,
        observer: QueryObserver,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._observer = observer
        self._clock = clock
        longest = settings.checkout_timeout + settings.call_timeout
        self._circuit = CircuitBreaker(settings.circuit_open, clock, probe=longest)
        # Half of the connections: others are left to those who can do without a database.
        self._readers = Bulkhead(max(1, settings.max_size // 2))
        self._deadlines = SocketDeadlines()
        self._pool = ConnectionPool(
            settings.conninfo,
            kwargs={"autocommit": True},
            configure=_isolate,
            min_size=settings.min_size,
            max_size=settings.max_size,
            timeout=settings.checkout_timeout,
            # Doubles up to this on an outage; the default of five minutes would keep a
            # database that is back unknown for as long.
            reconnect_timeout=2.0,
            # No max_waiting: the pool counts those, too, who waited in vain, until it has a
            # connection for them, and at the limit it refuses without trying to get one. After
            # a long outage it would refuse for ever. The readers are bounded before they wait.
            open=False,
        )

    def open(self) -> None:
        """Start connecting in the background; does not wait and does not raise."""
        self._deadlines.start()
        self._pool.open()

    def close(self) -> None:
        """Close all connections; waits a moment for those in use."""
        self._pool.close(timeout=1.0)
        self._deadlines.close()

    def read(self, query: Query, parameters: Mapping[str, object] = _NO_PARAMETERS) -> list[Row]:
        """Return the rows of a statement that changes nothing.

        Raises:
            UnavailableError: No answer within the deadlines, or the last call a moment
                ago had none.
        """
        if not self._circuit.allows():
            raise UnavailableError("the database is away")
        try:
            with self._readers.entered():
                rows = self._read_twice(query, parameters)
        except FullError:
            raise UnavailableError("the database does not keep up") from None
        except psycopg.Error as error:
            self._circuit.failed()
            raise UnavailableError(str(error)) from error
        self._circuit.succeeded()
        return rows

    def _read_twice(self, query: Query, parameters: Mapping[str, object]) -> list[Row]:
        began = self._clock()
        try:
            return self.write(query, parameters)
        except PoolTimeout:
            raise
        except psycopg.OperationalError:
            # A connection that went stale fails at once; a second try would be as slow.
            if self._clock() - began > _STALE_FAILS_WITHIN:
                raise
            # Throws away every connection that is idle; they may all be as dead.
            self._pool.drain()
            return self.write(query, parameters)

    def write(self, query: Query, parameters: Mapping[str, object]) -> list[Row]:
        """Run one statement as one transaction and return its rows.

        Raises:
            psycopg.Error: As the driver raises it; see `is_transient`. When the
                connection broke, it is unknown whether the statement took effect.
        """
        # A connection that cannot be had is a failed query, too: it is what an outage looks like.
        with self._borrowed(query.name) as connection:
            return _run(connection, query, parameters)

    @contextlib.contextmanager
    def transaction(self, name: str) -> Iterator["Transaction"]:
        """Run the statements of a block as one transaction, and observe them as `name`.

        Raises:
            psycopg.Error: As in `write`.
        """
        with self._borrowed(name) as connection, connection.transaction():
            yield Transaction(connection)

    @contextlib.contextmanager
    def _borrowed(self, name: str) -> Iterator[Connection[Row]]:
        """Lend a connection, for at most the time that one call may take."""
        with (
            self._observed(name),
            self._pool.connection() as connection,
            self._deadlines.within(self._settings.call_timeout, connection.fileno()),
        ):
            yield connection

    def discard_connections(self) -> None:
        """Throw away idle connections, which may all be dead after a failure."""
        with contextlib.suppress(psycopg.Error):
            self._pool.drain()

    @contextlib.contextmanager
    def _observed(self, name: str) -> Iterator[None]:
        start = self._clock()
        ok = False
        try:
            yield
            ok = True
        finally:
            self._observer.queried(name, self._clock() - start, ok=ok)
