"""`order-service migrate`: the database schema."""

import itertools
import json
from typing import TYPE_CHECKING

import click

from order_service.context import Contexts
from order_service.context.commands import Group, pass_contexts

from .refusals import reports_database_errors

if TYPE_CHECKING:
    from order_service.infra.postgres.migrations import Migrator


@click.group(
    cls=Group,
    examples=[
        ("migrate status", "which migrations are applied"),
        ("migrate up", "apply those that are missing"),
        ("migrate down", "roll the newest back"),
        ("migrate create add-x --context orders", "start a new one"),
    ],
)
def migrate() -> None:
    """Bring the database schema up to date, or back.

    Logs in as postgres.admin_user, if one is named: the service's own role, which the
    migrations create, cannot change the schema. Any number of starters may migrate at once.
    """


def _migrator(contexts: Contexts) -> "Migrator":
    """Return the migrator of the contexts that are on."""
    from order_service.bootstrap.migrate import make_migrator  # noqa: PLC0415 - slow

    config = contexts.configured("postgres")
    return make_migrator(config, [each.name for each in contexts.enabled(config)])


@migrate.command(
    examples=[
        ("migrate up", "safe to run before every start"),
        ("migrate up --json", "one JSON object a line, for programs"),
    ]
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
@pass_contexts
@reports_database_errors()
def up(contexts: Contexts, *, as_json: bool) -> None:
    """Apply the migrations that are missing.

    Those of the contexts that are on.

    A run that was killed can be run again; nothing has to be unlocked by hand.
    """
    applied = _migrator(contexts).up()
    if as_json:
        for id_ in applied:
            click.echo(json.dumps({"event": "applied", "migration": id_}))
        return
    click.echo("\n".join(f"applied {id_}" for id_ in applied) or "nothing to apply")


@migrate.command(
    examples=[
        ("migrate down", "the newest one"),
        ("migrate down --count 2", "the two newest"),
    ]
)
@click.option(
    "--count",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="How many to roll back, newest first.",
)
@pass_contexts
@reports_database_errors()
def down(contexts: Contexts, count: int) -> None:
    """Roll the newest migrations back.

    Data in what they created are deleted: make a backup before. Restart the service after it.
    """
    undone = _migrator(contexts).down(count)
    click.echo("\n".join(f"rolled back {id_}" for id_ in undone) or "nothing to roll back")


@migrate.command(
    examples=[
        ("migrate status", "one line a migration, by context"),
        ("migrate status --json", "one JSON array, for programs"),
    ]
)
@click.option("--json", "as_json", is_flag=True, help="One JSON array, for programs.")
@pass_contexts
@reports_database_errors()
def status(contexts: Contexts, *, as_json: bool) -> None:
    """Show which migrations are applied.

    Exit code 0 whether some are missing or not: `order-service doctor` makes that a fault.
    """
    found = _migrator(contexts).status()
    if as_json:
        click.echo(json.dumps([migration._asdict() for migration in found], indent=2))
        return
    for context, migrations in itertools.groupby(found, lambda each: each.id.partition("/")[0]):
        click.echo(click.style(context, bold=True))
        for each in migrations:
            click.echo(f"  {'applied' if each.applied else 'missing':8} {each.id}")


@migrate.command(
    "create",
    examples=[
        ("migrate create add-x --context orders", "migrations/orders/NNNN-add-x.sql"),
    ],
)
@click.argument("name")
@click.option("--context", required=True, help="Whose it is: the folder in migrations/.")
def create_migration(name: str, context: str) -> None:
    """Write an empty migration and its rollback, named NAME.

    Only in a checkout. It is applied after those of the same context that are there already.
    """
    from order_service.bootstrap.migrate import migrations_of  # noqa: PLC0415
    from order_service.infra.postgres.migrations import create  # noqa: PLC0415

    try:
        paths = create(migrations_of(context), name)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo("\n".join(map(str, paths)))
