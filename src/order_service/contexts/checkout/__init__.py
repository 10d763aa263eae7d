"""Checkout: purchases, from the wish to the order."""

from collections.abc import Sequence

from order_service.config import Config
from order_service.context import Context, Scope, Topic, Worker
from order_service.context.later import imported_later
from order_service.messaging.tables import checks_of, rights_in

from .settings import SECTION, CheckoutSettings


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


_RELAY = Worker(
    name="checkout-relay",
    about="""Publish requests to pay, and the orders of paid purchases, until SIGTERM.

    Two are enough: they share the outbox, and one takes over within seconds when the other dies.
    """,
    needs=("postgres", "kafka"),
    open=imported_later(f"{__name__}.wiring.workers:open_relay"),
)
_SETTLEMENTS = Worker(
    name="checkout-settlements",
    about="""Approve and reject purchases as payments answers, until SIGTERM.

    Start at most as many as the topic has partitions. Also asks payments again about purchases that
    have waited for an answer for too long.
    """,
    needs=("postgres", "kafka"),
    open=imported_later(f"{__name__}.wiring.workers:open_settlements"),
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
    dead_letters=imported_later(f"{__name__}.dead_letter_content:dead_letter_topic"),
    rights={
        "checkout.purchases": _KEPT,
        "checkout.idempotency_keys": (*_KEPT, "DELETE"),
        **rights_in("checkout", "outbox", "inbox"),
    },
    checks=checks_of("checkout", "outbox", "inbox"),
    masked_keys=frozenset({"delivery", "description"}),
    claims={"purchases": imported_later(f"{__name__}.claims:claims_after")},
    shared_settings=("currency", "orders_topic"),
    visit=imported_later(f"{__name__}.demo:play"),
)
