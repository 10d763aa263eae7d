"""Let the service's role read the keys, and nothing more.

Whoever takes the service over must not be able to make a key or to bring a revoked one back.
The role's name comes from POSTGRES_USER, as where it is created. Where the service logs in
with the very role that migrates, there is nothing to grant.
"""

import os
from typing import Any

from psycopg import sql
from yoyo import step

__depends__ = {"0001-create-api-keys"}

_GRANT = "GRANT USAGE ON SCHEMA access TO {role}; GRANT SELECT ON access.api_keys TO {role}"
_REVOKE = "REVOKE ALL ON access.api_keys FROM {role}; REVOKE USAGE ON SCHEMA access FROM {role}"


def _run(connection: Any, template: str) -> None:  # noqa: ANN401 - yoyo hands over any DB-API connection
    cursor = connection.cursor()
    role = os.environ["POSTGRES_USER"]
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s AND rolname <> current_user", (role,))
    if cursor.fetchone():
        cursor.execute(sql.SQL(template).format(role=sql.Identifier(role)).as_string(None))


def grant(connection: Any) -> None:  # noqa: ANN401
    """Grant what the check of keys needs."""
    _run(connection, _GRANT)


def revoke(connection: Any) -> None:  # noqa: ANN401
    """Take it away, if the role is still there."""
    _run(connection, _REVOKE)


steps = [step(grant, revoke)]
