"""Create the least-privileged role that the service logs in with.

Name and password come from the environment (POSTGRES_USER, POSTGRES_PASSWORD), which
`order-service migrate` fills from the configuration. Where the service logs in with the
very role that migrates, there is nothing to create.
"""

import os
from typing import Any

from psycopg import sql
from yoyo import step

__depends__ = {"0001-create-orders"}

_CREATE = """
DO $$ BEGIN
    CREATE ROLE {role} LOGIN;
EXCEPTION WHEN duplicate_object THEN NULL;  -- left by a run that was killed
END $$
"""

_GRANT = """
ALTER ROLE {role} PASSWORD {password};
GRANT USAGE ON SCHEMA orders TO {role};
GRANT SELECT, INSERT, UPDATE ON orders.orders, orders.deliveries, orders.payments TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON orders.items TO {role};
"""

_DROP = """
DROP OWNED BY {role};
DROP ROLE {role};
"""


def _service_role(cursor: Any) -> str | None:  # noqa: ANN401 - yoyo hands over any DB-API cursor
    """Return the service's role, None if it is the migrating role itself."""
    role = os.environ["POSTGRES_USER"]
    cursor.execute("SELECT current_user")
    return None if cursor.fetchone()[0] == role else role


def _run(cursor: Any, template: str, role: str) -> None:  # noqa: ANN401
    password = sql.Literal(os.environ.get("POSTGRES_PASSWORD", ""))
    statement = sql.SQL(template).format(role=sql.Identifier(role), password=password)
    cursor.execute(statement.as_string(None))


def create(connection: Any) -> None:  # noqa: ANN401
    """Create the role with the rights that ingest and lookup use, and no other."""
    cursor = connection.cursor()
    role = _service_role(cursor)
    if role is not None:
        _run(cursor, _CREATE, role)
        _run(cursor, _GRANT, role)


def drop(connection: Any) -> None:  # noqa: ANN401
    """Take the rights away and drop the role, if it is still there."""
    cursor = connection.cursor()
    role = _service_role(cursor)
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,))
    if role is not None and cursor.fetchone():
        _run(cursor, _DROP, role)


steps = [step(create, drop)]
