"""Looks at Postgres: as the service's role, and, for the migrations, as the one that migrates."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg import Connection

from order_service.infra.postgres.applied import applied_ids
from order_service.infra.postgres.conninfo import DatabaseServer, Login, conninfo, session_settings
from order_service.infra.postgres.own_session import OwnSession, SharedSessionError, is_pooled

from .endpoints import reach
from .finding import Finding, clock_of, fault, hint, ok, warning
from .postgres_login import refusal

_OLDEST = 140000
"""The oldest version that its makers still mend."""

_SESSION = session_settings(statement_timeout=3.0, lock_timeout=1.0)

Rights = Mapping[str, Sequence[str]]
"""Privileges that the service needs, by table."""


Check = Callable[[Connection[Any]], Iterable[Finding]]
"""Asks more, over a connection as the service's role; may raise psycopg.Error."""


class PostgresTarget(NamedTuple):
    """A database, and how the service logs in.

    Attributes:
        server: Where it is.
        login: The service's role.
        key: The setting that names the host.
    """

    server: DatabaseServer
    login: Login
    key: str


class Demands(NamedTuple):
    """What the service needs of its database.

    Attributes:
        rights: What its role must be allowed to do.
        migrations: The ids of all migrations.
        migrating: The role that migrates; the service's own if there is no other.
        checks: What else is to be asked.
        pool: Most connections of one process.
    """

    rights: Rights
    migrations: frozenset[str]
    migrating: Login
    checks: Sequence[Check]
    pool: int


def look(target: PostgresTarget, demands: Demands) -> Iterator[Finding]:
    """Yield what there is to say about the database."""

    def further(connection: Connection[Any]) -> Iterator[Finding]:
        yield _version(connection)
        yield _writable(connection)
        if len(target.server.addresses) > 1:
            yield _synchronous(connection)
        yield from _migrations(target, demands)
        yield from _rights(connection, target.login.user, demands.rights)
        for check in demands.checks:
            # What they lack has been told: a missing right or table.
            with contextlib.suppress(psycopg.Error):
                yield from check(connection)
        yield _connections(connection, demands.pool)
        moment = _value(connection, "SELECT extract(epoch FROM clock_timestamp())::float8")
        yield clock_of("Postgres", moment - time.time())

    return _look(target, further)


def look_at_replica(target: PostgresTarget, max_lag: float) -> Iterator[Finding]:
    """Yield what there is to say about the replica that lookups read; lag in seconds."""
    return _look(target, lambda connection: [_lag(connection, max_lag)])


def _look(target: PostgresTarget, further: Check) -> Iterator[Finding]:
    server = target.server
    if not (yield from reach(server.addresses, target.key, server.connect_timeout)):
        return
    try:
        connection = _connect(target, target.login)
    except psycopg.OperationalError as error:
        yield refusal(error, target.login.user, target.server.database, target.key)
        return
    with contextlib.closing(connection):
        text = f"as {target.login.user} into the database {target.server.database}"
        yield ok("login", text)
        if is_pooled(connection):
            yield ok("session", "a pooler lies in between, and gives each connection its own")
        yield from further(connection)


def _connect(target: PostgresTarget, login: Login) -> Connection[Any]:
    text = conninfo(target.server, login, "order-service doctor")
    return OwnSession.connect(text, session=_SESSION)


def _value(connection: Connection[Any], query: str) -> Any:  # noqa: ANN401 - one value
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def _version(connection: Connection[Any]) -> Finding:
    number = connection.info.server_version
    name = f"Postgres {number // 10000}.{number % 10000}"
    if number < _OLDEST:
        remedy = f"upgrade to Postgres {_OLDEST // 10000} or later"
        return warning("version", f"{name} gets no repairs any more", remedy)
    return ok("version", name)


def _writable(connection: Connection[Any]) -> Finding:
    if _value(connection, "SELECT pg_is_in_recovery()"):
        return fault(
            "writable",
            "this server is a standby: it only reads",
            "name the primary in postgres.host, and this one in postgres.read_host",
        )
    if _value(connection, "SHOW transaction_read_only") == "on":
        return fault(
            "writable",
            "transactions are read-only",
            "is default_transaction_read_only set for the role, the database or the server?",
        )
    return ok("writable", "transactions may write")


def _synchronous(connection: Connection[Any]) -> Finding:
    """Say whether a commit waits for another member of the cluster."""
    names = _value(connection, "SHOW synchronous_standby_names")
    level = _value(connection, "SHOW synchronous_commit")
    if not names or level in {"off", "local"}:
        return warning(
            "replication",
            "commits wait for no standby: a failover loses the last ones, money among them",
            "make it synchronous (Patroni: synchronous_mode), or see docs/operations.md, Failover",
        )
    return ok("replication", f"a commit waits for {names} ({level})")


def _migrations(target: PostgresTarget, demands: Demands) -> Iterator[Finding]:
    try:
        with _connect(target, demands.migrating) as connection:
            applied = applied_ids(connection)
    except psycopg.errors.InsufficientPrivilege:
        yield hint(
            "migrations",
            f"{demands.migrating.user} may not see which are applied",
            "set postgres.admin_user to have them compared",
        )
        return
    except SharedSessionError as error:
        yield refusal(error, demands.migrating.user, target.server.database, target.key)
        return
    except psycopg.OperationalError as error:
        reason = str(error).splitlines()[-1]
        remedy = "see postgres.admin_user and POSTGRES_ADMIN_PASSWORD"
        yield warning("migrations", f"the role that migrates cannot log in: {reason}", remedy)
        return
    missing, unknown = sorted(demands.migrations - applied), sorted(applied - demands.migrations)
    if missing:
        text = f"{len(missing)} not applied: {', '.join(missing)}"
        yield fault("migrations", text, "run `order-service migrate up`")
    else:
        yield ok("migrations", f"all {len(demands.migrations)} are applied")
    if unknown:
        text = f"the database has some that this version does not know: {', '.join(unknown)}"
        yield warning("migrations", text, "a newer version was here: run that one")


_ALLOWED = """
SELECT has_schema_privilege(%(schema)s, 'USAGE')
   AND has_table_privilege(%(table)s, %(privilege)s)
"""


def _rights(connection: Connection[Any], user: str, rights: Rights) -> Iterator[Finding]:
    missing = [
        f"{privilege} on {table}"
        for table, privileges in rights.items()
        for privilege in privileges
        if not _allowed(connection, table, privilege)
    ]
    if missing:
        yield fault(
            "rights",
            f"{user} lacks {', '.join(missing)}",
            "run `order-service migrate up`, which grants them to postgres.user, or GRANT them",
        )
        return
    yield ok("rights", f"{user} may do all that the service does")
    if _value(connection, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        yield warning(
            "rights",
            f"{user} is a superuser: whoever takes the service over has the whole server",
            "set postgres.admin_user to that role, and postgres.user to one of its own",
        )


def _allowed(connection: Connection[Any], table: str, privilege: str) -> bool:
    names = {"schema": table.split(".", maxsplit=1)[0], "table": table, "privilege": privilege}
    try:
        row = connection.execute(_ALLOWED, names).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return False
    return bool(row and row[0])


def _connections(connection: Connection[Any], pool: int) -> Finding:
    most = int(_value(connection, "SHOW max_connections"))
    used = int(_value(connection, "SELECT count(*) FROM pg_stat_activity"))
    if most - used < pool:
        return warning(
            "connections",
            f"{used} of {most} are in use: not enough for one more process ({pool})",
            "raise max_connections, or lower http.threads or the number of processes",
        )
    return ok("connections", f"{used} of {most} are in use; a process takes up to {pool}")


def _lag(connection: Connection[Any], max_lag: float) -> Finding:
    if not _value(connection, "SELECT pg_is_in_recovery()"):
        return hint("lag", "this server is no standby: lookups and writes share it")
    same = "SELECT pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()"
    replayed = _value(
        connection, "SELECT extract(epoch FROM pg_last_xact_replay_timestamp())::float8"
    )
    lag = 0.0 if _value(connection, same) or replayed is None else max(0.0, time.time() - replayed)
    if lag > max_lag:
        return warning(
            "lag",
            f"{lag:.0f} s behind, more than postgres.read_max_lag ({max_lag:g} s)",
            "until it has caught up the primary answers; see its log and its disk",
        )
    return ok("lag", f"{lag:.0f} s behind the primary")
