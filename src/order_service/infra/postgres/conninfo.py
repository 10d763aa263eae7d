"""How to reach a database, in the words of libpq: server, login, and settings of the session."""

from collections.abc import Mapping
from typing import NamedTuple

from psycopg.conninfo import make_conninfo

_NO_TLS: Mapping[str, str] = {}


class DatabaseServer(NamedTuple):
    """A database on a server.

    Attributes:
        host: Name or address; one that begins with a slash is the folder of a socket.
        port: TCP port.
        database: Its name.
        connect_timeout: Seconds, rounded, 2 at least: libpq knows no other.
        tls: libpq's keywords that are set: ``sslmode``, ``sslrootcert``, ``sslcert``, ``sslkey``.
    """

    host: str
    port: int
    database: str
    connect_timeout: float
    tls: Mapping[str, str] = _NO_TLS


class Login(NamedTuple):
    """A role and its password, which is not shown."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Login({self.user!r})"


def conninfo(server: DatabaseServer, login: Login, application: str = "order-service") -> str:
    """Return the connection string.

    Args:
        server: Where.
        login: As whom.
        application: What the server shows of us in its list of sessions.
    """
    return make_conninfo(
        host=server.host,
        port=server.port,
        dbname=server.database,
        user=login.user,
        password=login.password,
        connect_timeout=max(2, round(server.connect_timeout)),
        application_name=application,
        client_encoding="UTF8",
        options="",  # none of the environment's: poolers refuse them
        **server.tls,
    )


def session_settings(statement_timeout: float, lock_timeout: float) -> Mapping[str, str]:
    """Return the settings of a session: times in UTC, and deadlines given in seconds.

    A client that is frozen, or behind a dead network, holds what it has locked. The server ends
    its session when it says nothing in the middle of a transaction, or takes nothing of an answer,
    for as long as a statement may take.
    """
    longest = str(round(statement_timeout * 1000))
    return {
        "statement_timeout": longest,
        "lock_timeout": str(round(lock_timeout * 1000)),
        "idle_in_transaction_session_timeout": longest,
        "tcp_user_timeout": longest,
        "timezone": "UTC",
    }
