"""Create the role that the service logs in with. What it may do, each context grants itself."""

from typing import Any

from yoyo import step

from order_service.infra.postgres.service_role import execute, service_role

_CREATE = """
DO $$ BEGIN
    CREATE ROLE {role} LOGIN;
EXCEPTION WHEN duplicate_object THEN NULL;  -- left by a run that was killed
END $$;
ALTER ROLE {role} PASSWORD {password};
"""

_DROP = """
DROP OWNED BY {role};
DROP ROLE {role};
"""


def create(connection: Any) -> None:  # noqa: ANN401 - yoyo hands over any DB-API connection
    """Create the role, without any right."""
    if role := service_role(connection):
        execute(connection, _CREATE, role)


def drop(connection: Any) -> None:  # noqa: ANN401
    """Drop the role, if it is still there, with all that it was granted."""
    if role := service_role(connection, existing=True):
        execute(connection, _DROP, role)


steps = [step(create, drop)]
