"""Migrations, run as the role that may change the schema."""

import os
from pathlib import Path

from order_service.config import Config
from order_service.infra.postgres.migrations import Migrator
from order_service.infra.resources import bundled

from .backends import postgres_tls


def make_migrator(config: Config) -> Migrator:
    """Return the migrator of the configured database.

    The migration that creates the service's role reads its name and password from the
    environment; they are put there.
    """
    settings = config.postgres
    os.environ["POSTGRES_USER"] = settings.user
    os.environ["POSTGRES_PASSWORD"] = settings.password.reveal()
    password = settings.admin_password if settings.admin_user else settings.password
    return Migrator(
        bundled("migrations"),
        host=settings.host,
        port=settings.port,
        user=settings.admin_user or settings.user,
        password=password.reveal(),
        dbname=settings.db,
        options={
            "connect_timeout": str(max(2, round(settings.connect_timeout))),
            **postgres_tls(config),
        },
    )


def migrations_of(context: str) -> Path:
    """Return the folder of one context's migrations."""
    return bundled("migrations") / context
