"""`order-service run | api | consume`: the processes that stay."""

import os
import sys
from pathlib import Path

import click

from order_service.config import load_config

from .command import Command
from .settings import configured


@click.command(
    cls=Command,
    examples=[
        ("run", "Postgres, Valkey and Kafka too, on free ports"),
        ("run --demo --demo-rate 5", "with five sample orders a second"),
        ("run --kafka apache", "with a Kafka that keeps its messages"),
        ("run --data-dir /srv/orders", "keep the data there"),
    ],
)
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
    is started here, on free ports of the loopback interface. The database is migrated, and a
    process that dies is started again. What listens where is printed, and written to stack.env
    in the data directory, where `doctor` and the producer find it.
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


@click.command(
    cls=Command,
    examples=[
        ("api", "with the settings of ./config.yml"),
        ("--config /etc/order-service.yml api", "with those of another file"),
    ],
)
def api() -> None:
    """Serve the API, the page and the metrics until SIGTERM.

    Needs postgres.host and redis.url. Start as many as you like behind a load balancer, or
    set http.workers. A stop answers what was accepted (http.shutdown_timeout) and exits 0.
    """
    from order_service.bootstrap.api import run_api  # noqa: PLC0415

    sys.exit(run_api(configured("postgres", "redis")))


@click.command(
    cls=Command,
    examples=[
        ("consume", "one member of the group kafka.group_id"),
        ("--config /etc/order-service.yml consume", "with the settings of another file"),
    ],
)
def consume() -> None:
    """Store the orders of the Kafka topic until SIGTERM.

    Needs postgres.host, redis.url and kafka.bootstrap_servers. Start at most as many as the
    topic has partitions. A stop stores or abandons the batch, commits what is stored, leaves
    the group and exits 0; a consumer that is stuck ends itself with exit code 70.
    """
    from order_service.bootstrap.consumer import run_consumer  # noqa: PLC0415

    sys.exit(run_consumer(configured("postgres", "redis", "kafka")))
