"""`order-service migrate`: the database schema."""

import functools
from collections.abc import Callable
from typing import Any

import click

from .settings import configured


@click.group()
def migrate() -> None:
    """Bring the database schema up to date, or back."""


def _reports_database_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Say in one line why the database could not be used."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - click's arguments
        import psycopg  # noqa: PLC0415

        try:
            command(*args, **kwargs)
        except psycopg.Error as error:
            raise click.ClickException(f"the database refused: {error}") from error

    return wrapped


@migrate.command()
@_reports_database_errors
def up() -> None:
    """Apply all migrations that are missing."""
    from order_service.bootstrap.migrate import make_migrator  # noqa: PLC0415

    applied = make_migrator(configured("postgres")).up()
    click.echo("\n".join(f"applied {id_}" for id_ in applied) or "nothing to apply")


@migrate.command()
@click.option("--count", default=1, show_default=True, type=click.IntRange(min=1))
@_reports_database_errors
def down(count: int) -> None:
    """Roll the last migrations back. Data in what they created are deleted."""
    from order_service.bootstrap.migrate import make_migrator  # noqa: PLC0415

    undone = make_migrator(configured("postgres")).down(count)
    click.echo("\n".join(f"rolled back {id_}" for id_ in undone) or "nothing to roll back")


@migrate.command()
@_reports_database_errors
def status() -> None:
    """Show which migrations are applied."""
    from order_service.bootstrap.migrate import make_migrator  # noqa: PLC0415

    for migration in make_migrator(configured("postgres")).status():
        click.echo(f"{'applied' if migration.applied else 'missing':8} {migration.id}")


@migrate.command("create")
@click.argument("name")
@click.option("--context", default="orders", show_default=True, help="Folder in migrations/.")
def create_migration(name: str, context: str) -> None:
    """Write an empty migration and its rollback, named NAME."""
    from order_service.bootstrap.migrate import migrations_of  # noqa: PLC0415
    from order_service.infra.migrations import create  # noqa: PLC0415

    try:
        paths = create(migrations_of(context), name)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo("\n".join(map(str, paths)))
