"""The command line: parse, call bootstrap, print.

`context.exit_codes` lists how a command may end. Modules are imported by the command that needs
them, because importing all of them takes longer than most commands.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from order_service.bootstrap.contexts import installed
from order_service.config import ConfigError
from order_service.context.commands import Group
from order_service.context.exit_codes import ExitCode

from .completion import completion
from .config import config
from .dead_letters import dead_letters
from .doctor import doctor
from .ledger import ledger
from .migrations import migrate
from .outbox import outbox
from .processes import aliases, api, run, work
from .reconcile import reconcile
from .standalone import accrual, gophermart


class OrderServiceGroup(Group):
    """Turns configuration faults into their list and exit code 2, for every command."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click has it
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            click.echo(f"The configuration cannot be used:\n{error}", err=True)
            click.echo("`order-service config check` explains each of these.", err=True)
            ctx.exit(ExitCode.USAGE)


@click.group(
    cls=OrderServiceGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    examples=[
        ("run --demo", "everything on this machine, with sample orders"),
        ("config check", "what the settings are, and what is wrong with them"),
        ("doctor", "ask every backend how it is"),
        ("migrate up", "prepare the database"),
        ("api", "one API process"),
        ("work orders-consumer", "one consumer process"),
        ("dead-letters list --since 2h", "messages that were no valid orders, and why"),
    ],
)
@click.version_option(package_name="order-service")
@click.option(
    "--config",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Configuration file [default: ./config.yml if there is one].",
)
@click.pass_context
def main(ctx: click.Context, path: Path | None) -> None:
    """Orders from Kafka into Postgres, answered from a Redis cache.

    Settings come from config.yml, .env and the environment; the later wins. Each command
    explains itself with --help, and says with its exit code how it ended: 0 done, 1 failed,
    2 wrong usage or configuration, 3 done in part.
    """
    ctx.obj = installed()
    if path is not None:
        # Programs that this one starts load the configuration themselves, from the same file.
        os.environ["ORDER_SERVICE_CONFIG"] = str(path.resolve())


def _commands() -> Iterator[click.Command]:
    """Yield the machinery's own commands, then those of the contexts."""
    yield from (run, api, work, gophermart, accrual)
    yield from (migrate, dead_letters, outbox, ledger, reconcile, config, doctor, completion)
    yield from aliases(installed())
    for context in installed().installed:
        yield from context.commands()


for _command in _commands():
    main.add_command(_command)
