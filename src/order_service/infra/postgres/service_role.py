"""The role that the service logs in with, as migrations create it and grant it rights.

Its name and password come from the environment (POSTGRES_USER, POSTGRES_PASSWORD), which
`order-service migrate` fills from the configuration. Where the service logs in with the very role
that migrates, there is nothing to create or to grant.
"""

import functools
import os
from typing import Any, LiteralString

from psycopg import sql
from yoyo import step

_EXISTS = "SELECT 1 FROM pg_roles WHERE rolname = %s"


def grant(forward: LiteralString, back: LiteralString) -> Any:  # noqa: ANN401 - yoyo has no types
    """Return a step of a migration that grants rights, and takes them away on the way back.

    Args:
        forward: Statements with ``{role}`` in place of the role's name.
        back: The same; they are not run if the role is gone.
    """
    return step(functools.partial(_run, forward), functools.partial(_run, back))


def _run(template: LiteralString, connection: Any) -> None:  # noqa: ANN401
    if role := service_role(connection, existing=True):
        execute(connection, template, role)


def service_role(connection: Any, *, existing: bool = False) -> str | None:  # noqa: ANN401
    """Return the role's name, None if it is the migrating role itself.

    Args:
        connection: yoyo's.
        existing: Return None, too, if there is no such role.
    """
    role = os.environ["POSTGRES_USER"]
    cursor = connection.cursor()
    cursor.execute("SELECT current_user")
    if cursor.fetchone()[0] == role:
        return None
    cursor.execute(_EXISTS, (role,))
    return role if cursor.fetchone() or not existing else None


def execute(connection: Any, template: LiteralString, role: str) -> None:  # noqa: ANN401
    """Run statements with ``{role}`` and ``{password}`` in place of the role's."""
    password = sql.Literal(os.environ.get("POSTGRES_PASSWORD", ""))
    statement = sql.SQL(template).format(role=sql.Identifier(role), password=password)
    connection.cursor().execute(statement.as_string(None))
