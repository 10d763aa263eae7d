"""How a command ends whose database or address cannot be used: one line and exit code 1."""

import contextlib
from collections.abc import Iterator

import click

POSTGRES_AWAY = "Postgres cannot be used, try again: {}"
"""What is said of an UnavailableError; see `context.commands.reporting`."""


@contextlib.contextmanager
def reports_database_errors() -> Iterator[None]:
    """Say in one line why the database could not be used."""
    import psycopg  # noqa: PLC0415 - slow

    try:
        yield
    except psycopg.Error as error:
        raise click.ClickException(f"the database refused: {_line(error)}") from error


@contextlib.contextmanager
def reports_address_errors() -> Iterator[None]:
    """Say in one line why nobody can listen on the address."""
    try:
        yield
    except OSError as error:
        raise click.ClickException(f"cannot listen on the address: {_line(error)}") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
