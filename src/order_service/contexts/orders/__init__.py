"""Orders: the stream of orders, their storage and their lookup."""

from collections.abc import Sequence

from order_service.config import Config
from order_service.context import Context, Demo, Scope, Topic, Worker
from order_service.context.later import imported_later

from .settings import SECTION, OrdersSettings


def topics_of(config: Config) -> Sequence[Topic]:
    """Return the topics of the orders, with room for the largest one and its envelope."""
    settings = config.of(OrdersSettings)
    most = settings.max_letter_bytes
    return [
        Topic(settings.topic, ("Read",), settings.group_id, most),
        Topic(settings.dead_letter_topic, ("Write",), max_bytes=most, partitions=1),
    ]


_CONSUMER = Worker(
    name="orders-consumer",
    waits=False,
    alias="consume",
    about="""Store the orders of the Kafka topic until SIGTERM.

    Start at most as many as the topic has partitions. A stop stores or abandons the batch, commits
    what is stored, leaves the group and exits 0; a consumer that is stuck ends itself with exit
    code 70.
    """,
    needs=("postgres", "redis", "kafka"),
    open=imported_later(f"{__name__}.wiring.consumer:open_consumer"),
    consumes=True,
)


def _samples(rate: float) -> Sequence[str]:
    return "producer", "--count", "0", "--rate", f"{rate:g}"


_STORED = ("SELECT", "INSERT", "UPDATE")

CONTEXT = Context(
    name="orders",
    section=SECTION,
    api=f"{__name__}.wiring.api",
    api_needs=("postgres", "redis"),
    scopes={
        "orders:read": Scope("read orders", admins=True),
        "orders:read:own": Scope("read one's own orders", customers=True),
    },
    workers=(_CONSUMER,),
    topics=topics_of,
    dead_letters=imported_later(f"{__name__}.dead_letter_content:dead_letter_topic"),
    rights={
        "orders.orders": _STORED,
        "orders.deliveries": _STORED,
        "orders.payments": _STORED,
        "orders.items": (*_STORED, "DELETE"),
    },
    cache_prefixes=("order:v1:",),
    topic_comparison=imported_later(f"{__name__}.wiring.comparison:OrdersComparison"),
    masked_keys=frozenset({"customer_name", "delivery", "order", "orders", "zip"}),
    shared_settings=("topic", "dead_letter_topic", "group_id"),
    demos=(Demo("demo", _samples, ("kafka",)),),
    hints=("Send orders from another terminal: {python} -m producer --count 10",),
)
