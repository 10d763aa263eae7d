"""The command line: parse, call bootstrap, print.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 (dead letters) done in part.
Modules are imported by the command that needs them, because importing all of them takes
longer than most commands.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from order_service.config import ConfigError, load_config, redacted

from .dead_letters import dead_letters
from .keys import keys
from .migrations import migrate
from .settings import configured

_CONFIG_FAULT = 2


class OrderServiceGroup(click.Group):
    """Turns configuration faults into their list and exit code 2, for every command."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click has it
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            click.echo(f"The configuration cannot be used:\n{error}", err=True)
            ctx.exit(_CONFIG_FAULT)


@click.group(cls=OrderServiceGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="order-service")
@click.option(
    "--config",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Configuration file [default: ./config.yml if there is one].",
)
def main(path: Path | None) -> None:
    r"""Orders from Kafka into Postgres, answered from a Redis cache.

    \b
    Examples:
      order-service run --demo          everything on this machine, with sample orders
      order-service config check        what the settings are, and what is wrong with them
      order-service migrate up          prepare the database
      order-service api                 one API process
      order-service consume             one consumer process
      order-service dead-letters list   messages that were no valid orders, and why
    """
    if path is not None:
        # Worker processes load the configuration themselves and must find the same file.
        os.environ["ORDER_SERVICE_CONFIG"] = str(path.resolve())


@main.command()
@click.option("--demo", is_flag=True, help="Also produce sample orders at a gentle rate.")
@click.option("--demo-rate", default=2.0, show_default=True, help="Sample orders a second.")
@click.option(
    "--kafka",
    type=click.Choice(["embedded", "apache"]),
    default="embedded",
    show_default=True,
    help="Broker to start if none is named: in memory, or a durable Apache Kafka (Java, Maven).",
)
@click.option(
    "--data-dir",
    envvar="ORDER_SERVICE_DATA_DIR",
    default=".order-service",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where data and addresses (stack.env) are kept.",
)
def run(*, demo: bool, demo_rate: float, kafka: str, data_dir: Path) -> None:
    """Run everything on this machine until Ctrl-C.

    Postgres, Redis and Kafka that the configuration names are used; what it does not name
    is started here, on free ports of the loopback interface.
    """
    from order_service.embedded.stack import StackOptions, run_stack  # noqa: PLC0415

    options = StackOptions(
        data_dir=data_dir,
        apache_kafka=kafka == "apache",
        demo=demo,
        demo_rate=demo_rate,
        environ=os.environ,
    )
    sys.exit(run_stack(load_config(), options))


@main.command()
def api() -> None:
    """Serve the API, the page and the metrics until SIGTERM."""
    from order_service.bootstrap.api import run_api  # noqa: PLC0415

    sys.exit(run_api(configured("postgres", "redis")))


@main.command()
def consume() -> None:
    """Store the orders of the Kafka topic until SIGTERM."""
    from order_service.bootstrap.consumer import run_consumer  # noqa: PLC0415

    sys.exit(run_consumer(configured("postgres", "redis", "kafka")))


@main.group()
def config() -> None:
    """Look at the configuration."""


@config.command()
def check() -> None:
    """Print all settings with secrets masked, or everything that is wrong with them."""
    loaded = load_config()
    click.echo(json.dumps(redacted(loaded), indent=2, ensure_ascii=False))
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)


main.add_command(migrate)
main.add_command(dead_letters)
main.add_command(keys)
