"""Postgres behind a pool, with a deadline on every call and one retry for stale connections.

A server that restarts leaves dead connections in the pool, and only their next use tells. Whoever
meets one has the others thrown away. A read is then repeated once at once; a write is left to the
caller, who knows whether it may be repeated although it may have taken effect.
"""

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol, TypeVar

import psycopg
from psycopg import Connection
from psycopg_pool import ConnectionPool

from order_service.infra.bulkhead import Bulkhead, FullError
from order_service.infra.circuit import CircuitBreaker

from .deadline import SocketDeadlines
from .faults import (
    STALE_FAILS_WITHIN,
    ConflictError,
    UnavailableError,
    is_outdated,
    is_stale,
    is_transient,
    transient_fault,
)
from .own_session import OwnSession
from .sql import NO_PARAMETERS, Query, Row, Statement, prepare, run

T = TypeVar("T")

Isolation = Literal["read committed", "repeatable read", "serializable"]

_ATTEMPTS = 6
_LONGEST_FIRST_PAUSE = 0.01
"""Seconds after the first conflict; twice as many after each further one."""


class Settings(NamedTuple):
    """How to reach the database; times in seconds.

    Attributes:
        conninfo: libpq keywords; see `conninfo`.
        call_timeout: Longest time that one transaction may take, checkout excluded.
        isolation: Of every transaction.
        session: Settings of every session; see `session_settings`.
    """

    conninfo: str
    min_size: int
    max_size: int
    checkout_timeout: float
    call_timeout: float
    circuit_open: float = 1.0
    isolation: Isolation = "read committed"
    session: Mapping[str, str] = {}


class QueryObserver(Protocol):
    """Told of every statement, for metrics."""

    def queried(self, query: str, seconds: float, *, ok: bool) -> None:
        """The statement named `query` ended after `seconds`."""


def _pause(conflicts: int) -> None:
    """Wait for a random time, so that those who met do not meet again."""
    time.sleep(random.uniform(0, _LONGEST_FIRST_PAUSE * 2**conflicts))  # noqa: S311 - no secret


class Transaction:
    """Statements that take effect together, at the end of the block that they are in."""

    def __init__(self, connection: Connection[Row]) -> None:
        self._connection = connection

    def execute(self, query: Query, parameters: Mapping[str, object] = NO_PARAMETERS) -> list[Row]:
        """Run a statement and return its rows, none if it has no result."""
        return run(self._connection, query, parameters)

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
        on_conflict: Waits before a transaction is repeated; given how many times it was before.
    """

    def __init__(
        self,
        settings: Settings,
        observer: QueryObserver,
        on_conflict: Callable[[int], object] = _pause,
    ) -> None:
        self._settings = settings
        self._observer = observer
        self._on_conflict = on_conflict
        longest = settings.checkout_timeout + settings.call_timeout
        self._circuit = CircuitBreaker(settings.circuit_open, probe=longest)
        # Half of the connections: others are left to those who can do without a database.
        self._readers = Bulkhead(max(1, settings.max_size // 2))
        self._deadlines = SocketDeadlines()
        session = {**settings.session, "default_transaction_isolation": settings.isolation}
        self._pool = ConnectionPool(
            settings.conninfo,
            connection_class=OwnSession,
            kwargs={"session": session},
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

    # A `lending.Lender`.

    @property
    def patience(self) -> float:
        """Seconds that a statement may take."""
        return self._settings.call_timeout

    @property
    def well(self) -> bool:
        """Whether the database is believed to answer."""
        return self._circuit.closed

    def lend(self, statements: Sequence[Statement]) -> OwnSession:
        """See :meth:`lending.Lender.lend`; it counts as one of the pool's."""
        try:
            connection = self._pool.getconn()
            try:
                with self._deadlines.within(self._settings.call_timeout, connection.fileno()):
                    for statement in statements:
                        prepare(connection, statement)
            except BaseException:
                connection.close()
                self.take_back(connection)
                raise
        except psycopg.Error as error:
            self._raise_if_transient(error, sent=False)
            raise
        return connection

    def take_back(self, connection: OwnSession) -> None:
        """See :meth:`lending.Lender.take_back`."""
        self._pool.putconn(connection)

    def told(self, query: Query, seconds: float, *, ok: bool) -> None:
        """See :meth:`lending.Lender.told`."""
        self._observer.queried(query.name, seconds, ok=ok)

    def late(self) -> None:
        """See :meth:`lending.Lender.late`."""
        self._circuit.failed()

    def read(self, query: Query, parameters: Mapping[str, object] = NO_PARAMETERS) -> list[Row]:
        """Return the rows of a statement that changes nothing.

        Raises:
            UnavailableError: No answer within the deadlines, or the last call a moment
                ago had none.
            psycopg.Error: The statement itself is at fault.
        """
        if not self._circuit.allows():
            raise UnavailableError("the database is away")
        try:
            with self._readers.entered():
                rows = self._read_twice(query, parameters)
        except FullError:
            raise UnavailableError("the database does not keep up") from None
        except UnavailableError:
            self._circuit.failed()
            raise
        except psycopg.Error:
            self._circuit.succeeded()
            raise
        self._circuit.succeeded()
        return rows

    def _read_twice(self, query: Query, parameters: Mapping[str, object]) -> list[Row]:
        began = time.monotonic()
        try:
            return self.write(query, parameters)
        except UnavailableError as error:
            repeatable = error.outcome_unknown or isinstance(error, ConflictError)
            if not repeatable or time.monotonic() - began > STALE_FAILS_WITHIN:
                raise
        return self.write(query, parameters)

    def write(self, query: Query, parameters: Mapping[str, object] = NO_PARAMETERS) -> list[Row]:
        """Run one statement as one transaction and return its rows, none if it has no result.

        Raises:
            UnavailableError: It may succeed later.
            psycopg.Error: The statement itself is at fault.
        """
        sent = False
        try:
            with self._borrowed(query.name) as connection:
                sent = True
                return run(connection, query, parameters)
        except psycopg.Error as error:
            self._raise_if_transient(error, sent=sent)
            raise

    @contextlib.contextmanager
    def transaction(self, name: str) -> Iterator[Transaction]:
        """Run the statements of a block as one transaction, and observe them as `name`.

        Inside of the block a statement raises what the driver raises; what leaves the block is as
        in `write`.
        """
        committing = False
        try:
            with self._borrowed(name) as connection, connection.transaction():
                yield Transaction(connection)
                committing = True
        except psycopg.Error as error:
            self._raise_if_transient(error, sent=committing)
            raise

    def run(self, name: str, work: Callable[[Transaction], T]) -> T:
        """Run `work` as one transaction and return what it returns; see `transaction`.

        It is called again, a few times at most, when another transaction came in between: it must
        have no effect but on the transaction.

        Raises:
            ConflictError: Others came in between each time.
        """
        for conflicts in range(_ATTEMPTS - 1):
            with contextlib.suppress(ConflictError), self.transaction(name) as transaction:
                return work(transaction)
            self._on_conflict(conflicts)
        with self.transaction(name) as transaction:
            return work(transaction)

    def _raise_if_transient(self, error: psycopg.Error, *, sent: bool) -> None:
        """Raise UnavailableError if another try may succeed, over connections that are alive.

        Args:
            error: What the driver raised.
            sent: Whether a statement or a commit that takes effect was sent before.
        """
        if is_stale(error) or is_outdated(error):
            with contextlib.suppress(psycopg.Error):
                self._pool.drain()
        if is_transient(error):
            raise transient_fault(error, sent=sent) from error

    @contextlib.contextmanager
    def _borrowed(self, name: str) -> Iterator[Connection[Row]]:
        """Lend a connection for the time that one call may take, and tell the observer of it."""
        start = time.monotonic()
        ok = False
        try:
            # One that cannot be had is a failed query, too: it is what an outage looks like.
            with (
                self._pool.connection() as connection,
                self._deadlines.within(self._settings.call_timeout, connection.fileno()),
            ):
                yield connection
            ok = True
        finally:
            self._observer.queried(name, time.monotonic() - start, ok=ok)
