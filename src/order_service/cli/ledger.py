"""`order-service ledger`: whether all balances are what their entries say."""

import sys
from collections import Counter

import click

from order_service.context import Contexts
from order_service.context.commands import Group, pass_contexts, reporting
from order_service.context.exit_codes import ExitCode
from order_service.ledger.model import Balance, Difference


@click.group(cls=Group, examples=[("ledger check", "recompute every balance")])
def ledger() -> None:
    """Look after the ledgers of points and money.

    Each context that keeps balances has a ledger of its own, in which entries are only ever added.
    """


@ledger.command(
    examples=[
        ("ledger check", "says what differs, and exits 1 if anything does"),
        ("--config /etc/order-service.yml ledger check", "of another service"),
    ]
)
@pass_contexts
def check(contexts: Contexts) -> None:
    """Recompute every balance from its entries and say what differs.

    Asks every context that is on and has a ledger. It only reads, and may run beside the service.
    """
    from order_service.context.process import Process  # noqa: PLC0415 - slow
    from order_service.infra.postgres.faults import UnavailableError  # noqa: PLC0415
    from order_service.ledger.checking import check_balances  # noqa: PLC0415

    owners, wrong = Counter[str](), 0
    config = contexts.configured("postgres")
    with (
        reporting({UnavailableError: "the database cannot be asked: {}"}),
        Process(config) as process,
    ):
        run = process.database(1).write
        for name in [each.name for each in contexts.enabled(config) if each.ledger]:
            for checked in check_balances(run, name):
                owners[name] += checked.owners
                wrong += len(checked.differences)
                for difference in checked.differences:
                    click.echo(f"{name}: {_line(difference)}")
    for context, count in owners.items():
        click.echo(f"{context}: {count} owners checked")
    click.echo(f"{wrong} balances differ" if wrong else "nothing differs")
    sys.exit(ExitCode.FAILED if wrong else ExitCode.DONE)


def _line(difference: Difference) -> str:
    owner, account, kept, entries = difference
    return f"{owner} {account}: kept {_sums(kept)}, entries {_sums(entries)}"


def _sums(balance: Balance | None) -> str:
    if balance is None:
        return "nothing"
    return f"{balance.amount} ({balance.credited} in, {balance.debited} out)"
