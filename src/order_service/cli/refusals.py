"""How a command ends whose database or address cannot be used: one line and exit code 1."""

import contextlib
from collections.abc import Iterator
from functools import partial

from order_service.context.commands import reporting

POSTGRES_AWAY = "Postgres cannot be used, try again: {}"
"""What is said of an UnavailableError."""

reports_address_errors = partial(reporting, {OSError: "cannot listen on the address: {}"})
"""Says in one line why nobody can listen on the address."""


@contextlib.contextmanager
def reports_database_errors() -> Iterator[None]:
    """Say in one line why the database could not be used."""
    import psycopg  # noqa: PLC0415 - slow

    with reporting({psycopg.Error: "the database refused: {}"}):
        yield
