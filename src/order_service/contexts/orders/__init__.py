"""Orders: the stream of orders, their storage and their lookup."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from order_service.config import Config
from order_service.context import Context, Demo, Scope, Topic, Work, Worker

from .settings import SECTION, OrdersSettings

if TYPE_CHECKING:
    from order_service.context.process import Process
    from order_service.context.topic_comparison import TopicComparison
    from order_service.messaging.dead_letters import DeadLetterTopic


def _open_consumer(process: "Process") -> Work:
    from .wiring.consumer import open_consumer

    return open_consumer(process)


def _dead_letters(config: Config) -> "DeadLetterTopic":
    from .dead_letter_content import dead_letter_topic

    return dead_letter_topic(config.of(OrdersSettings))


def _open_comparison(process: "Process") -> "TopicComparison":
    from .wiring.comparison import OrdersComparison

    return OrdersComparison(process)


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
    open=_open_consumer,
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
    dead_letters=_dead_letters,
    rights={
        "orders.orders": _STORED,
        "orders.deliveries": _STORED,
        "orders.payments": _STORED,
        "orders.items": (*_STORED, "DELETE"),
    },
    cache_prefixes=("order:v1:",),
    topic_comparison=_open_comparison,
    masked_keys=frozenset({"customer_name", "delivery", "order", "orders", "zip"}),
    shared_settings=("topic", "dead_letter_topic", "group_id"),
    demos=(Demo("demo", _samples, ("kafka",)),),
    hints=("Send orders from another terminal: {python} -m producer --count 10",),
)
