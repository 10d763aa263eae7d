"""`order-service gophermart | accrual`: a part of the service alone, on a database."""

import sys
from collections.abc import Callable

import click

from order_service.context import Contexts
from order_service.context.commands import Command, pass_contexts

from .refusals import reports_address_errors, reports_database_errors

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


def _address(port: int) -> Decorator:
    return click.option(
        "-a", "address", envvar="RUN_ADDRESS", default=f"localhost:{port}", show_default=True,
        show_envvar=True, metavar="ADDRESS", help="Where to listen: host:port.",
    )  # fmt: skip


_DATABASE = click.option(
    "-d", "database", envvar="DATABASE_URI", required=True, show_envvar=True, metavar="URI",
    help="URI of Postgres, as a role that may create schemas.",
)  # fmt: skip


@click.command(
    cls=Command,
    examples=[
        (
            "gophermart -a :8080 -d postgres://localhost/shop -r localhost:8081",
            "with an accrual system",
        ),
        ("gophermart -d postgres://localhost/shop", "numbers wait until there is one"),
    ],
)
@_address(8080)
@_DATABASE
@click.option(
    "-r", "accrual", envvar="ACCRUAL_SYSTEM_ADDRESS", default="", show_envvar=True,
    metavar="ADDRESS", help="The accrual system: host:port or http://host:port, and a path.",
)  # fmt: skip
@pass_contexts
@reports_database_errors()
@reports_address_errors()
def gophermart(contexts: Contexts, address: str, database: str, accrual: str) -> None:
    """Serve accounts and points alone until SIGTERM or SIGINT.

    One process that needs Postgres and nothing else: it migrates, serves the routes under
    /api/user, and asks the accrual system about numbers. Flags win over the environment.
    """
    from order_service.bootstrap.standalone import GOPHERMART, run_standalone  # noqa: PLC0415

    sys.exit(run_standalone(contexts, GOPHERMART, address, database, accrual))


@click.command(
    cls=Command,
    examples=[("accrual -a :8081 -d postgres://localhost/shop", "beside gophermart, or alone")],
)
@_address(8081)
@_DATABASE
@pass_contexts
@reports_database_errors()
@reports_address_errors()
def accrual(contexts: Contexts, address: str, database: str) -> None:
    """Serve the accrual system alone until SIGTERM or SIGINT.

    One process that needs Postgres and nothing else: it migrates, takes rules and orders, and
    calculates what these are worth. Flags win over the environment.
    """
    from order_service.bootstrap.standalone import ACCRUAL, run_standalone  # noqa: PLC0415

    sys.exit(run_standalone(contexts, ACCRUAL, address, database))
