"""Payments: wallets, and the payment of purchases from them."""

from collections.abc import Sequence

import click

from order_service.config import Config
from order_service.context import Context, Scope, Topic, Worker
from order_service.context.later import imported_later
from order_service.messaging.tables import checks_of, rights_in

from .settings import SECTION, PaymentsSettings


def topics_of(config: Config) -> Sequence[Topic]:
    """Return the topics of payments."""
    settings = config.of(PaymentsSettings)
    return [
        Topic(settings.requests_topic, ("Read",), settings.group_id),
        Topic(settings.dead_letter_topic, ("Write",), partitions=1),
        Topic(settings.settlements_topic, ("Write",)),
    ]


def _commands() -> Sequence[click.Command]:
    from .cli import payments

    return [payments]


_RELAY = Worker(
    name="payments-relay",
    about="""Publish what became of payments until SIGTERM.

    Two are enough: they share the outbox, and one takes over within seconds when the other dies.
    """,
    needs=("postgres", "kafka"),
    open=imported_later(f"{__name__}.wiring.workers:open_relay"),
)
_REQUESTS = Worker(
    name="payments-requests",
    about="""Settle the payments that are asked for until SIGTERM.

    Start at most as many as the topic has partitions. Each request has its effect once, whatever
    dies and however often it comes.
    """,
    needs=("postgres", "kafka"),
    open=imported_later(f"{__name__}.wiring.workers:open_requests"),
    consumes=True,
)

_KEPT = ("SELECT", "INSERT", "UPDATE")

CONTEXT = Context(
    name="payments",
    section=SECTION,
    api=f"{__name__}.wiring.api",
    api_needs=("postgres",),
    scopes={
        "wallet": Scope("open one's wallet, fill it and see what moved", customers=True),
        "payments:admin": Scope("see the wallets of others", admins=True),
    },
    workers=(_RELAY, _REQUESTS),
    topics=topics_of,
    dead_letters=imported_later(f"{__name__}.dead_letter_content:dead_letter_topic"),
    rights={
        "payments.balances": _KEPT,
        "payments.entries": ("SELECT", "INSERT"),
        "payments.idempotency_keys": (*_KEPT, "DELETE"),
        "payments.wallets": ("SELECT", "INSERT"),
        "payments.payments": _KEPT,
        **rights_in("payments", "outbox", "inbox"),
    },
    checks=checks_of("payments", "outbox", "inbox"),
    ledger=True,
    claims={"purchases": imported_later(f"{__name__}.claims:claims_after")},
    commands=_commands,
    shared_settings=("currency",),
    visit=imported_later(f"{__name__}.demo:play"),
)
