"""Payments: wallets, and the payment of purchases from them."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from order_service.config import Config
from order_service.context import Context, Scope, Topic, Work, Worker

from .settings import SECTION, PaymentsSettings

if TYPE_CHECKING:
    from uuid import UUID

    import psycopg

    from order_service.context.claims import Claim
    from order_service.context.demo import DemoVisit
    from order_service.context.process import Process
    from order_service.infra.diagnosis.finding import Finding
    from order_service.infra.postgres.database import Database
    from order_service.messaging.dead_letters import DeadLetterTopic


def _open_relay(process: "Process") -> Work:
    from .wiring.workers import open_relay

    return open_relay(process)


def _open_requests(process: "Process") -> Work:
    from .wiring.workers import open_requests

    return open_requests(process)


def _dead_letters(config: Config) -> "DeadLetterTopic":
    from .dead_letter_content import dead_letter_topic

    return dead_letter_topic(config.of(PaymentsSettings))


def _checks(config: Config, connection: "psycopg.Connection[Any]") -> "Iterable[Finding]":
    from .checks import look_at_tables

    return look_at_tables(config, connection)


def _claims(database: "Database", after: "UUID", limit: int) -> "Sequence[Claim]":
    from .claims import claims_after

    return claims_after(database, after, limit)


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


def _visit(visit: "DemoVisit") -> None:
    from .demo import play

    play(visit)


_RELAY = Worker(
    name="payments-relay",
    about="""Publish what became of payments until SIGTERM.

    Two are enough: they share the outbox, and one takes over within seconds when the other dies.
    """,
    needs=("postgres", "kafka"),
    open=_open_relay,
)
_REQUESTS = Worker(
    name="payments-requests",
    about="""Settle the payments that are asked for until SIGTERM.

    Start at most as many as the topic has partitions. Each request has its effect once, whatever
    dies and however often it comes.
    """,
    needs=("postgres", "kafka"),
    open=_open_requests,
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
    dead_letters=_dead_letters,
    rights={
        "payments.balances": _KEPT,
        "payments.entries": ("SELECT", "INSERT"),
        "payments.idempotency_keys": (*_KEPT, "DELETE"),
        "payments.wallets": ("SELECT", "INSERT"),
        "payments.payments": _KEPT,
        "payments.outbox": (*_KEPT, "DELETE"),
        "payments.inbox": ("SELECT", "INSERT", "DELETE"),
    },
    checks=_checks,
    ledger=True,
    claims={"purchases": _claims},
    commands=_commands,
    shared_settings=("currency",),
    visit=_visit,
)
