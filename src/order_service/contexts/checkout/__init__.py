"""Checkout: purchases, from the wish to the order."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from order_service.config import Config
from order_service.context import Context, Scope, Topic, Work, Worker

from .settings import SECTION, CheckoutSettings

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


def _open_settlements(process: "Process") -> Work:
    from .wiring.workers import open_settlements

    return open_settlements(process)


def _dead_letters(config: Config) -> "DeadLetterTopic":
    from .dead_letter_content import dead_letter_topic

    return dead_letter_topic(config.of(CheckoutSettings))


def _checks(config: Config, connection: "psycopg.Connection[Any]") -> "Iterable[Finding]":
    from .checks import look_at_tables

    return look_at_tables(config, connection)


def _claims(database: "Database", after: "UUID", limit: int) -> "Sequence[Claim]":
    from .claims import claims_after

    return claims_after(database, after, limit)


def topics_of(config: Config) -> Sequence[Topic]:
    """Return the topics between checkout and payments, which its workers make if need be."""
    settings = config.of(CheckoutSettings)
    return [
        Topic(settings.requests_topic, ("Write",)),
        Topic(settings.settlements_topic, ("Read",), settings.group_id),
        Topic(settings.dead_letter_topic, ("Write",), partitions=1),
    ]


def _used_topics(config: Config) -> Sequence[Topic]:
    """Return these and that of the orders, which is made by whoever reads them."""
    orders = Topic(config.of(CheckoutSettings).orders_topic, ("Write",))
    return [*topics_of(config), orders]


def _visit(visit: "DemoVisit") -> None:
    from .demo import play

    play(visit)


_RELAY = Worker(
    name="checkout-relay",
    about="""Publish requests to pay, and the orders of paid purchases, until SIGTERM.

    Two are enough: they share the outbox, and one takes over within seconds when the other dies.
    """,
    needs=("postgres", "kafka"),
    open=_open_relay,
)
_SETTLEMENTS = Worker(
    name="checkout-settlements",
    about="""Approve and reject purchases as payments answers, until SIGTERM.

    Start at most as many as the topic has partitions. Also asks payments again about purchases that
    have waited for an answer for too long.
    """,
    needs=("postgres", "kafka"),
    open=_open_settlements,
    consumes=True,
)

_KEPT = ("SELECT", "INSERT", "UPDATE")

CONTEXT = Context(
    name="checkout",
    section=SECTION,
    api=f"{__name__}.wiring.api",
    api_needs=("postgres",),
    scopes={
        "purchases": Scope("buy, see what one bought, and take it back", customers=True),
        "purchases:admin": Scope("see and refund purchases of others", admins=True),
    },
    workers=(_RELAY, _SETTLEMENTS),
    topics=_used_topics,
    dead_letters=_dead_letters,
    rights={
        "checkout.purchases": _KEPT,
        "checkout.idempotency_keys": (*_KEPT, "DELETE"),
        "checkout.outbox": (*_KEPT, "DELETE"),
        "checkout.inbox": ("SELECT", "INSERT", "DELETE"),
    },
    checks=_checks,
    masked_keys=frozenset({"delivery", "description"}),
    claims={"purchases": _claims},
    shared_settings=("currency", "orders_topic"),
    visit=_visit,
)
