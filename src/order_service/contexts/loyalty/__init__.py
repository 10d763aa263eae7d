"""Loyalty: points for orders, and what people do with them."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from order_service.config import Config
from order_service.context import Context, Scope, Topic, Work, Worker
from order_service.messaging.tables import rights_in

from .settings import SECTION

if TYPE_CHECKING:
    import psycopg

    from order_service.context.demo import DemoVisit
    from order_service.context.process import Process
    from order_service.infra.diagnosis.finding import Finding
    from order_service.messaging.dead_letters import DeadLetterTopic


def _open_pollers(process: "Process") -> Work:
    from .wiring.poller import Pollers

    return Pollers(process)


def _open_registrations(process: "Process") -> Work:
    from .wiring.registrations import open_registrations

    return open_registrations(process)


def _commands() -> Sequence[click.Command]:
    from .cli import loyalty

    return [loyalty]


def _checks(config: Config, connection: "psycopg.Connection[Any]") -> "Iterable[Finding]":
    from .checks import look_at_accrual_system

    return look_at_accrual_system(config, connection)


def _topics(config: Config) -> Sequence[Topic]:
    from .wiring.registrations import topics_of

    return topics_of(config)


def _dead_letters(config: Config) -> "DeadLetterTopic":
    from .wiring.registrations import dead_letter_topic

    return dead_letter_topic(config)


def _visit(visit: "DemoVisit") -> None:
    from .demo import play

    play(visit)


_REGISTRATIONS = Worker(
    name="loyalty-registrations",
    about="""Give points to everybody who registers, until SIGTERM.

    Start at most as many as the topic has partitions. Each registration is worth its points once,
    however often the message comes.
    """,
    needs=("postgres", "kafka"),
    open=_open_registrations,
    consumes=True,
)

_POLLER = Worker(
    name="loyalty-poller",
    about="""Ask the accrual system what orders are worth, and credit the points, until SIGTERM.

    Start as many as you like: each takes numbers with a lease, and those of one that dies are taken
    by another half a minute later. All of them wait together while the accrual system says so.
    """,
    needs=("postgres",),
    open=_open_pollers,
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
    topics=_topics,
    dead_letters=_dead_letters,
    rights={
        "loyalty.balances": _KEPT,
        "loyalty.entries": ("SELECT", "INSERT"),
        "loyalty.idempotency_keys": (*_KEPT, "DELETE"),
        "loyalty.orders": _KEPT,
        "loyalty.gate": ("SELECT", "UPDATE"),
        **rights_in("loyalty", "inbox"),
    },
    ledger=True,
    checks=_checks,
    visit=_visit,
)
