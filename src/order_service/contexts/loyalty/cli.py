"""`order-service loyalty`: numbers of orders from files."""

import sys
from collections import Counter
from pathlib import Path

import click

from order_service.context import Contexts
from order_service.context.commands import Group, pass_contexts
from order_service.context.exit_codes import ExitCode

from .errors import StorageUnavailableError


@click.group(
    cls=Group,
    examples=[("loyalty import-orders numbers.csv", "take the numbers of another system")],
)
def loyalty() -> None:
    """Work on numbers of orders, which points are given for.

    People upload numbers themselves; these commands are for who runs the shop.
    """


@loyalty.command(
    "import-orders",
    examples=[
        ("loyalty import-orders numbers.csv", "with a bar that shows how far it is"),
        ("--config /etc/order-service.yml loyalty import-orders n.csv", "into another service"),
    ],
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@pass_contexts
def import_orders(contexts: Contexts, file: Path) -> None:
    """Take the numbers of orders in FILE, as if uploaded.

    Each line is the id of a person, a comma, and a number. What cannot be taken is told line by
    line, and ends the command with 3; all else is taken. Running it again takes nothing twice.
    """
    from order_service.context.process import Process  # noqa: PLC0415 - slow

    from .importing import import_numbers  # noqa: PLC0415
    from .numbers_postgres import PostgresNumbers  # noqa: PLC0415

    if not file.is_file():
        raise click.UsageError(f"there is no file {file}")
    total = Counter[str]()
    with (
        Process(contexts.configured("postgres")) as process,
        file.open(encoding="utf-8", errors="replace") as lines,
        click.progressbar(length=file.stat().st_size, label=file.name, file=sys.stderr) as bar,
    ):
        store = PostgresNumbers(process.database(1))
        try:
            for step in import_numbers(store, lines):
                total.update(new=step.new, known=step.known, refused=len(step.refused))
                for refused in step.refused:
                    click.echo(f"line {refused.line}: {refused.reason}", err=True)
                bar.update(step.size)
        except StorageUnavailableError as error:
            message = f"{error}; {_summary(total)} until then. Running it again is harmless"
            raise click.ClickException(message) from error
    click.echo(_summary(total))
    sys.exit(ExitCode.IN_PART if total["refused"] else ExitCode.DONE)


def _summary(total: Counter[str]) -> str:
    return f"{total['new']} new, {total['known']} known before, {total['refused']} refused"
