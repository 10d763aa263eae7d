"""How a command ends whose database or address cannot be used: one line and exit code 1."""

import functools
from collections.abc import Callable
from typing import Any

import click


def reports_database_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Say in one line why the database could not be used."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - click's arguments
        import psycopg  # noqa: PLC0415 - slow

        try:
            command(*args, **kwargs)
        except psycopg.Error as error:
            raise click.ClickException(f"the database refused: {_line(error)}") from error

    return wrapped


def reports_address_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Say in one line why nobody can listen on the address."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - click's arguments
        try:
            command(*args, **kwargs)
        except OSError as error:
            raise click.ClickException(f"cannot listen on the address: {_line(error)}") from error

    return wrapped


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
