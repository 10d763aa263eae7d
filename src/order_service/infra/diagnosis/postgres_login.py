"""Says why nobody can work through a connection to Postgres."""

import psycopg

from order_service.infra.postgres.own_session import REMEDY, SharedSessionError

from .finding import Finding, fault

_NO_CONNECTION_LEFT = (
    "the server has no connection left",
    "raise max_connections, or lower http.threads or the number of processes",
)
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
    ("too many clients", *_NO_CONNECTION_LEFT),
    ("connection slots", *_NO_CONNECTION_LEFT),
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
    (
        "session is read-only",
        "no server takes writes: those that answer are standbys",
        "does the cluster have a leader? If not, see what it is that keeps it from electing one",
    ),
    ("starting up", "the server is starting", "wait, and try again"),
    ("shutting down", "the server is shutting down", "start it again"),
)


def refusal(error: psycopg.OperationalError, user: str, database: str, key: str) -> Finding:
    """Return what an attempt to connect has found.

    Args:
        error: What it raised.
        user: The role.
        database: Its name.
        key: The setting that names the host.
    """
    if isinstance(error, SharedSessionError):
        return fault("session", error.found, f"{REMEDY} ({key})")
    said = str(error)
    facts = {"user": user, "database": database, "error": said.splitlines()[-1]}
    for sign, text, remedy in _REFUSALS:
        if sign in said:
            return fault("login", text.format(**facts), remedy)
    return fault("login", facts["error"], "see the server's log")
