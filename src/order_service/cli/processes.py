"""`order-service run | api | work`: the processes that stay."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from order_service.context import Contexts, Worker
from order_service.context.commands import Command, pass_contexts


@click.command(
    cls=Command,
    examples=[
        ("run", "Postgres, Valkey and Kafka too, on free ports"),
        ("run --demo --demo-rate 5", "with five sample orders a second"),
        ("run --kafka apache", "with a Kafka that keeps its messages"),
        ("run --data-dir /srv/orders", "keep the data there"),
        ("run --contexts orders", "only a part of the service"),
    ],
)
@click.option("--demo", is_flag=True, help="Also make samples, and a person to sign in as.")
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
@click.option(
    "--contexts", "names", help="Contexts to run, separated by commas [default: contexts.enabled]."
)
@pass_contexts
def run(  # noqa: PLR0913 - one argument an option
    contexts: Contexts,
    *,
    demo: bool,
    demo_rate: float,
    kafka: str,
    data_dir: Path,
    names: str | None,
) -> None:
    """Run everything on this machine until Ctrl-C.

    Postgres, Redis and Kafka that the configuration names are used; what it does not name
    is started here, on free ports of the loopback interface. The database is migrated, and a
    process that dies is started again. What listens where is printed, and written to stack.env
    in the data directory, where `doctor` and the producer find it.

    With --demo, orders are sent at a gentle rate, and a person who has points, a wallet and a
    purchase is made; the login and a password of its own are printed, and kept in demo.json in the
    data directory. There is no such person if http.host can be reached from elsewhere.
    """
    from order_service.bootstrap.stack import run_everything  # noqa: PLC0415 - slow
    from order_service.embedded.workload import StackOptions  # noqa: PLC0415

    if names is not None:
        # The processes that are started load the configuration themselves.
        os.environ["CONTEXTS_ENABLED"] = names
    options = StackOptions(data_dir, apache_kafka=kafka == "apache", environ=os.environ)
    sys.exit(run_everything(contexts, options, demo_rate=demo_rate if demo else 0.0))


@click.command(
    cls=Command,
    examples=[
        ("api", "with the settings of ./config.yml"),
        ("--config /etc/order-service.yml api", "with those of another file"),
    ],
)
@pass_contexts
def api(contexts: Contexts) -> None:
    """Serve the API, the page and the metrics until SIGTERM.

    Serves the contexts that contexts.enabled names, and needs the addresses that they need:
    postgres.host and redis.url. Start as many as you like behind a load balancer, or set
    http.workers. A stop answers what was accepted (http.shutdown_timeout) and exits 0.
    """
    from order_service.bootstrap.api import run_api  # noqa: PLC0415 - slow

    config = contexts.load_config()
    contexts.set_up(config, *contexts.api_needs(config))
    sys.exit(run_api(config))


@click.command(
    cls=Command,
    examples=[
        ("work orders-consumer", "store the orders of the Kafka topic"),
        ("work", "list the workers"),
    ],
)
@click.argument("name", required=False)
@pass_contexts
def work(contexts: Contexts, name: str | None) -> None:
    """Run one worker until SIGTERM, or list the workers.

    A worker is what a context does beside the API. It serves metrics and health on
    metrics.worker_port.
    """
    workers = {worker.name: worker for each in contexts.installed for worker in each.workers}
    if name is None:
        for worker in workers.values():
            click.echo(f"{worker.name:24} {worker.about.splitlines()[0]}")
        return
    if name not in workers:
        raise click.UsageError(f"there is no worker {name}; there are: {', '.join(workers)}")
    _run(contexts, workers[name])


def aliases(contexts: Contexts) -> Sequence[click.Command]:
    """Return the workers that have another name, as commands."""
    workers = (worker for each in contexts.installed for worker in each.workers)
    return [_alias(worker) for worker in workers if worker.alias]


def _alias(worker: Worker) -> click.Command:
    def command(contexts: Contexts, **_: Any) -> None:  # noqa: ANN401 - click's arguments
        _run(contexts, worker)

    needs = " and ".join(worker.needs)
    return Command(
        worker.alias,
        callback=pass_contexts(command),
        help=f"{worker.about.rstrip()}\n\n    The same as `work {worker.name}`. Needs {needs}.",
        examples=[
            (worker.alias, "with the settings of ./config.yml"),
            (f"--config /etc/order-service.yml {worker.alias}", "with those of another file"),
        ],
    )


def _run(contexts: Contexts, worker: Worker) -> None:
    from order_service.bootstrap.worker import run_worker  # noqa: PLC0415 - slow

    sys.exit(run_worker(contexts, contexts.configured(*worker.needs), worker))
