"""Loyalty: points for orders, and what people do with them."""

from collections.abc import Sequence

import click

from order_service.context import Context, Scope, Worker
from order_service.context.later import imported_later
from order_service.messaging.tables import rights_in

from .settings import SECTION
from .topics import topics_of


def _commands() -> Sequence[click.Command]:
    from .cli import loyalty

    return [loyalty]


_REGISTRATIONS = Worker(
    name="loyalty-registrations",
    about="""Give points to everybody who registers, until SIGTERM.

    Start at most as many as the topic has partitions. Each registration is worth its points once,
    however often the message comes.
    """,
    needs=("postgres", "kafka"),
    open=imported_later(f"{__name__}.wiring.registrations:open_registrations"),
    consumes=True,
)

_POLLER = Worker(
    name="loyalty-poller",
    about="""Ask the accrual system what orders are worth, and credit the points, until SIGTERM.

    Start as many as you like: each takes numbers with a lease, and those of one that dies are taken
    by another half a minute later. All of them wait together while the accrual system says so.
    """,
    needs=("postgres",),
    open=imported_later(f"{__name__}.wiring.poller:Pollers"),
)

_KEPT = ("SELECT", "INSERT", "UPDATE")

CONTEXT = Context(
    name="loyalty",
    section=SECTION,
    api=f"{__name__}.wiring.api",
    api_needs=("postgres",),
    scopes={
        "loyalty": Scope("upload numbers of orders, see and spend one's points", customers=True),
        "loyalty:admin": Scope("book and take back points of others", admins=True),
    },
    workers=(_POLLER, _REGISTRATIONS),
    commands=_commands,
    topics=topics_of,
    dead_letters=imported_later(f"{__name__}.wiring.registrations:dead_letter_topic"),
    rights={
        "loyalty.balances": _KEPT,
        "loyalty.entries": ("SELECT", "INSERT"),
        "loyalty.idempotency_keys": (*_KEPT, "DELETE"),
        "loyalty.orders": _KEPT,
        "loyalty.gate": ("SELECT", "UPDATE"),
        **rights_in("loyalty", "inbox"),
    },
    ledger=True,
    checks=imported_later(f"{__name__}.checks:look_at_accrual_system"),
    visit=imported_later(f"{__name__}.demo:play"),
)
