"""Migrations, run as the role that may change the schema."""

import os
from collections.abc import Sequence
from pathlib import Path

from order_service.config import Config
from order_service.context.backends import migrating_login, primary_server
from order_service.infra.postgres.conninfo import conninfo
from order_service.infra.postgres.migrations import Migrator, find_migrations
from order_service.infra.resources import bundled


def make_migrator(config: Config, folders: Sequence[str] = ()) -> Migrator:
    """Return the migrator of the configured database.

    The migrations that create the service's role and grant it rights read its name and password
    from the environment; they are put there.

    Args:
        config: All settings.
        folders: Contexts whose migrations are wanted, in their order; all if empty.
    """
    settings = config.postgres
    os.environ["POSTGRES_USER"] = settings.user
    os.environ["POSTGRES_PASSWORD"] = settings.password.reveal()
    login = conninfo(primary_server(settings), migrating_login(settings))
    return Migrator(find_migrations(bundled("migrations"), folders), login)


def migrations_of(context: str) -> Path:
    """Return the folder of one context's migrations."""
    return bundled("migrations") / context
