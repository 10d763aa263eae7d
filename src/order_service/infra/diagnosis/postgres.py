"""Looks at Postgres: as the service's role, and, for the migrations, as the one that migrates."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import psycopg

from .endpoints import Address, reach
from .finding import Finding, clock_of, fault, hint, ok, warning

_OLDEST = 140000
"""The oldest version that its makers still mend."""

Rights = Mapping[str, Sequence[str]]
"""Privileges that the service needs, by table."""


class Target(NamedTuple):
    """The database, and what the service needs of it.

    Attributes:
        address: Host and port.
        conninfo: How the service logs in, as libpq takes it.
        admin_conninfo: How the migrations log in; the same if they have no role of their own.
        key: The setting that names the host.
        user: The service's role.
        database: Its database.
        rights: What it must be allowed to do.
        migrations: The ids of all migrations.
        pool: Most connections of one process.
        timeout: Seconds to connect.
        active_keys: Query that counts the keys of those who may read; empty if none are needed.
    """

    address: Address
    conninfo: str
    admin_conninfo: str
    key: str
    user: str
    database: str
    rights: Rights
    migrations: frozenset[str]
    pool: int
    timeout: float
    active_keys: str = ""


def look(target: Target, clock: Callable[[], float] = time.time) -> Iterator[Finding]:
    """Yield what there is to say about the database; `clock` is Unix time."""
    reached = list(reach([target.address], target.key, target.timeout))
    yield from reached
    if reached[-1].level == "fault":
        return
    try:
        connection = psycopg.connect(target.conninfo, autocommit=True)
    except psycopg.OperationalError as error:
        yield _login_fault(target, str(error))
        return
    with contextlib.closing(connection):
        yield ok("login", f"as {target.user} into the database {target.database}")
        yield _version(connection)
        yield _writable(connection)
        yield from _migrations(target)
        yield from _rights(connection, target)
        yield from _keys(connection, target)
        yield _connections(connection, target)
        moment = _value(connection, "SELECT extract(epoch FROM clock_timestamp())::float8")
        yield clock_of("Postgres", moment - clock())


def look_at_replica(
    target: Target, max_lag: float, clock: Callable[[], float] = time.time
) -> Iterator[Finding]:
    """Yield what there is to say about the replica that lookups read; lag in seconds."""
    reached = list(reach([target.address], target.key, target.timeout))
    yield from reached
    if reached[-1].level == "fault":
        return
    try:
        connection = psycopg.connect(target.conninfo, autocommit=True)
    except psycopg.OperationalError as error:
        yield _login_fault(target, str(error))
        return
    with contextlib.closing(connection):
        yield ok("login", f"as {target.user} into the database {target.database}")
        yield _lag(connection, max_lag, clock)


_REFUSALS = (
    (
        "password authentication failed",
        "the role {user} does not exist or has another password",
        "set POSTGRES_PASSWORD; `order-service migrate up` makes the role with that password",
    ),
    (
        "no password supplied",
        "the server asks the role {user} for a password, and none is set",
        "set POSTGRES_PASSWORD in .env or the environment",
    ),
    (
        "no pg_hba.conf entry",
        "the server admits neither this address, role and database, nor this kind of encryption",
        "add a line to pg_hba.conf, or set postgres.sslmode",
    ),
    (
        "SSL",
        "TLS and the server do not come together: {error}",
        "see postgres.sslmode and postgres.sslrootcert",
    ),
    (
        "too many clients",
        "the server has no connection left",
        "raise max_connections, or lower postgres.pool.max_size or the number of processes",
    ),
    (
        "connection slots",
        "the server has no connection left",
        "raise max_connections, or lower postgres.pool.max_size or the number of processes",
    ),
    (
        'role "',
        "the role {user} does not exist",
        "run `order-service migrate up` with postgres.admin_user set, or correct postgres.user",
    ),
    (
        'database "',
        "there is no database {database}",
        "create it (CREATE DATABASE), or correct postgres.db",
    ),
    ("starting up", "the server is starting", "wait, and try again"),
    ("shutting down", "the server is shutting down", "start it again"),
)


def _login_fault(target: Target, error: str) -> Finding:
    facts = {"user": target.user, "database": target.database, "error": error.splitlines()[-1]}
    for sign, text, remedy in _REFUSALS:
        if sign in error:
            return fault("login", text.format(**facts), remedy)
    return fault("login", facts["error"], "see the server's log")


def _value(connection: psycopg.Connection[Any], query: str) -> Any:  # noqa: ANN401 - one value
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def _version(connection: psycopg.Connection[Any]) -> Finding:
    number = connection.info.server_version
    name = f"Postgres {number // 10000}.{number % 10000}"
    if number < _OLDEST:
        remedy = f"upgrade to Postgres {_OLDEST // 10000} or later"
        return warning("version", f"{name} gets no repairs any more", remedy)
    return ok("version", name)


def _writable(connection: psycopg.Connection[Any]) -> Finding:
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


def _migrations(target: Target) -> Iterator[Finding]:
    try:
        applied = _applied(target.admin_conninfo)
    except psycopg.errors.InsufficientPrivilege:
        yield hint(
            "migrations",
            f"{target.user} may not see which are applied",
            "set postgres.admin_user to have them compared",
        )
        return
    except psycopg.OperationalError as error:
        reason = str(error).splitlines()[-1]
        remedy = "see postgres.admin_user and POSTGRES_ADMIN_PASSWORD"
        yield warning("migrations", f"the role that migrates cannot log in: {reason}", remedy)
        return
    missing, unknown = sorted(target.migrations - applied), sorted(applied - target.migrations)
    if missing:
        text = f"{len(missing)} not applied: {', '.join(missing)}"
        yield fault("migrations", text, "run `order-service migrate up`")
    else:
        yield ok("migrations", f"all {len(target.migrations)} are applied")
    if unknown:
        text = f"the database has some that this version does not know: {', '.join(unknown)}"
        yield warning("migrations", text, "a newer version was here: run that one")


def _applied(conninfo: str) -> frozenset[str]:
    """Return the ids of the applied migrations; raise psycopg.Error if they cannot be read."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        if _value(connection, "SELECT to_regclass('_yoyo_migration') IS NULL"):
            return frozenset()
        rows = connection.execute("SELECT migration_id FROM _yoyo_migration").fetchall()
    return frozenset(str(row[0]) for row in rows)


_ALLOWED = """
SELECT has_schema_privilege(%(schema)s, 'USAGE')
   AND has_table_privilege(%(table)s, %(privilege)s)
"""


def _rights(connection: psycopg.Connection[Any], target: Target) -> Iterator[Finding]:
    missing = [
        f"{privilege} on {table}"
        for table, privileges in target.rights.items()
        for privilege in privileges
        if not _allowed(connection, table, privilege)
    ]
    if missing:
        yield fault(
            "rights",
            f"{target.user} lacks {', '.join(missing)}",
            "run `order-service migrate up`, which grants them to postgres.user, or GRANT them",
        )
        return
    yield ok("rights", f"{target.user} may do all that the service does")
    if _value(connection, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        yield warning(
            "rights",
            f"{target.user} is a superuser: whoever takes the service over has the whole server",
            "set postgres.admin_user to that role, and postgres.user to one of its own",
        )


def _allowed(connection: psycopg.Connection[Any], table: str, privilege: str) -> bool:
    names = {"schema": table.split(".", maxsplit=1)[0], "table": table, "privilege": privilege}
    try:
        row = connection.execute(_ALLOWED, names).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return False
    return bool(row and row[0])


def _keys(connection: psycopg.Connection[Any], target: Target) -> Iterator[Finding]:
    if not target.active_keys:
        return
    try:
        count = _value(connection, target.active_keys)
    except psycopg.Error:
        return  # the missing right or table has been told
    if count:
        yield ok("keys", f"{count} may read (http.auth is api_key)")
    else:
        text = "http.auth is api_key and there is no key: nobody may read"
        yield warning("keys", text, "`order-service keys create NAME --scope orders:read`")


def _connections(connection: psycopg.Connection[Any], target: Target) -> Finding:
    most = int(_value(connection, "SHOW max_connections"))
    used = int(_value(connection, "SELECT count(*) FROM pg_stat_activity"))
    if most - used < target.pool:
        return warning(
            "connections",
            f"{used} of {most} are in use: not enough for one more process ({target.pool})",
            "raise max_connections, or lower postgres.pool.max_size or the number of processes",
        )
    return ok("connections", f"{used} of {most} are in use; a process takes up to {target.pool}")


def _lag(
    connection: psycopg.Connection[Any], max_lag: float, clock: Callable[[], float]
) -> Finding:
    if not _value(connection, "SELECT pg_is_in_recovery()"):
        return hint("lag", "this server is no standby: lookups and writes share it")
    same = "SELECT pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()"
    replayed = _value(
        connection, "SELECT extract(epoch FROM pg_last_xact_replay_timestamp())::float8"
    )
    lag = 0.0 if _value(connection, same) or replayed is None else max(0.0, clock() - replayed)
    if lag > max_lag:
        return warning(
            "lag",
            f"{lag:.0f} s behind, more than postgres.read_max_lag ({max_lag:g} s)",
            "until it has caught up the primary answers; see its log and its disk",
        )
    return ok("lag", f"{lag:.0f} s behind the primary")
