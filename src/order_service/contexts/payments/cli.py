"""`order-service payments`: what those who run the shop do with payments."""

import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

import click

from order_service.context import Contexts
from order_service.context.commands import Group, pass_contexts
from order_service.context.exit_codes import ExitCode

from .errors import StorageUnavailableError, UnknownPaymentError

if TYPE_CHECKING:
    from order_service.infra.postgres.database import Transaction

    from .book_postgres import Answering
    from .model import Settlement

_EXAMPLE = "0193667b-9a01-7d0e-8c7b-3f5b1a2c4d6e"


@click.group(
    cls=Group,
    examples=[(f"payments give-back {_EXAMPLE}", "return the money of a lost purchase")],
)
def payments() -> None:
    """Work on payments.

    Wallets fill and pay by themselves; these commands are for what went wrong.
    """


@payments.command(
    "give-back",
    examples=[
        (f"payments give-back {_EXAMPLE}", "return the money of a purchase"),
        (f"payments give-back --yes {_EXAMPLE}", "without being asked"),
    ],
)
@click.argument("purchases", nargs=-1, required=True, type=click.UUID, metavar="PURCHASE...")
@click.option("--yes", is_flag=True, help="Do not ask whether to do it.")
@pass_contexts
def give_back(contexts: Contexts, purchases: Sequence[UUID], *, yes: bool) -> None:
    """Give back what was paid for purchases, once each.

    This is for purchases that checkout has lost, and that `order-service reconcile` names: it was
    restored from an older backup. What checkout has is refunded there. Running it again gives
    nothing back twice. Exit code 3 if payments was never asked about one of them.
    """
    from order_service.context.process import Process  # noqa: PLC0415 - slow, as are these

    from .book_postgres import Answering  # noqa: PLC0415
    from .settings import PaymentsSettings  # noqa: PLC0415
    from .storage import available  # noqa: PLC0415

    if not yes:
        click.confirm(f"Give back what was paid for {len(purchases)} purchases?", abort=True)
    config = contexts.configured("postgres")
    topic = config.of(PaymentsSettings).settlements_topic
    answering = Answering(topic)
    unknown = 0
    with Process(config) as process:
        database = process.database(1)
        for purchase in purchases:
            try:
                with available():
                    done = database.run("give_back", partial(_give_back, answering, purchase))
            except UnknownPaymentError:
                unknown += 1
                click.echo(f"{purchase}: payments was never asked about it", err=True)
            except StorageUnavailableError as error:
                message = f"{error}; nothing is done about {purchase} and those behind it"
                raise click.ClickException(message) from error
            else:
                click.echo(f"{purchase}: {done.outcome} {done.amount} {done.currency}")
    sys.exit(ExitCode.IN_PART if unknown else ExitCode.DONE)


def _give_back(answering: "Answering", purchase: UUID, transaction: "Transaction") -> "Settlement":
    from .book_postgres import PostgresBook  # noqa: PLC0415
    from .giving_back import give_back  # noqa: PLC0415

    return give_back(PostgresBook(transaction, answering), purchase)
