"""One connection, for what lives as long as a connection does: advisory locks, session settings.

A pool lends its connections to anybody. Whoever holds a lock for minutes needs one of his own, and
must hear of its end.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
from psycopg import errors

from .deadline import SocketDeadlines
from .faults import UnavailableError, is_transient
from .own_session import NO_SETTINGS, OwnSession
from .sql import NO_PARAMETERS, Query, Row, run

_SHARED = (errors.DuplicatePreparedStatement, errors.InvalidSqlStatementName)
"""What is prepared here is not what this session has prepared: a pooler lends it to others, too."""


class Session:
    """A connection that was opened once and is never replaced. Thread-safe.

    Args:
        conninfo: libpq keywords.
        call_timeout: Longest time that one statement may take, in seconds.
        session: Settings of the session; see `session_settings`.

    Attributes:
        answered: When the server last answered, in monotonic seconds.

    Raises:
        UnavailableError: There is no connection, or a pooler shares its session with others.
    """

    def __init__(
        self,
        conninfo: str,
        call_timeout: float,
        session: Mapping[str, str] = NO_SETTINGS,
    ) -> None:
        self._call_timeout = call_timeout
        self._lock = threading.Lock()
        self._deadlines = SocketDeadlines()
        with _told_as_unavailable():
            self._connection = OwnSession.connect(conninfo, session=session)
        self._deadlines.start()
        self.answered = time.monotonic()

    def execute(self, query: Query, parameters: Mapping[str, object] = NO_PARAMETERS) -> list[Row]:
        """Run one statement as one transaction and return its rows, none if it has no result.

        Raises:
            UnavailableError: The connection has ended, or the server cannot do it now; or a pooler
                has begun to share the session with others.
            psycopg.Error: The statement itself is at fault.
        """
        with self._lock, _told_as_unavailable():
            with self._deadlines.within(self._call_timeout, self._connection.fileno()):
                rows = run(self._connection, query, parameters)
            self.answered = time.monotonic()
        return rows

    def close(self) -> None:
        """End the connection and with it what it held."""
        self._deadlines.close()
        self._connection.close()


@contextmanager
def _told_as_unavailable() -> Iterator[None]:
    try:
        yield
    except _SHARED as error:
        raise UnavailableError(f"the session is not its own any more: {error}") from error
    except psycopg.Error as error:
        if is_transient(error):
            raise UnavailableError(str(error)) from error
        raise
