"""How to reach a database, in the words of libpq: server, login, and settings of the session."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from psycopg.conninfo import make_conninfo

from order_service.infra.addresses import Address

Member = Literal["read-write", "prefer-standby"]
"""Which member of a cluster is wanted: the primary, or a standby if there is one. libpq's words."""


class DatabaseServer(NamedTuple):
    """A database on a server, or on one of the members of a cluster.

    Attributes:
        addresses: Where it is, or may be. A host that begins with a slash is the folder of a
            socket.
        database: Its name.
        connect_timeout: Seconds for each address, rounded, 2 at least: libpq knows no other.
        tls: libpq's keywords that are set: ``sslmode``, ``sslrootcert``, ``sslcert``, ``sslkey``.
        member: Whom to look for if there are several addresses.
    """

    addresses: Sequence[Address]
    database: str
    connect_timeout: float
    tls: Mapping[str, str] = {}
    member: Member = "read-write"


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
        host=",".join(host for host, _ in server.addresses),
        port=",".join(str(port) for _, port in server.addresses),
        dbname=server.database,
        user=login.user,
        password=login.password,
        connect_timeout=max(2, round(server.connect_timeout)),
        application_name=application,
        client_encoding="UTF8",
        options="",  # none of the environment's: poolers refuse them
        **_member(server),
        **server.tls,
    )


def _member(server: DatabaseServer) -> Mapping[str, str]:
    """Return what finds the wanted one of several members; asks no more of a single server."""
    if len(server.addresses) == 1:
        return {}
    # Those who read spread over the members; the primary is one alone, wherever it stands.
    balance = "random" if server.member == "prefer-standby" else "disable"
    return {"target_session_attrs": server.member, "load_balance_hosts": balance}


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
