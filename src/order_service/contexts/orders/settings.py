"""What operators can tell the orders context."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from order_service.config import Contradiction, Section, ignored
from order_service.config.model import CountOrOff, Name, Seconds, Share, TopicName

MAX_BATCH_BYTES = 8 * 1024 * 1024
"""Most bytes of messages held for one batch: bounds the consumer's memory."""

_BROKER_DEFAULT_BYTES = 1024 * 1024
"""Largest message that a topic admits unless it says otherwise."""

_ENVELOPE_BYTES = 64 * 1024
"""Room for headers around the largest dead letter."""


class CacheSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What is remembered about orders, and for how long."""

    ttl: Seconds = 300.0
    negative_ttl: Seconds = 5.0
    local_size: CountOrOff = 4096
    local_ttl: Seconds = 1.0
    warm_up: CountOrOff = 1000


class OrdersSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The stream of orders, and their lookup."""

    topic: TopicName = "orders"
    group_id: Name = "order-service"
    dead_letter_topic: TopicName = "orders.dead-letters"
    max_message_bytes: Annotated[int, Meta(ge=1024, le=MAX_BATCH_BYTES)] = 1048576
    batch_messages: Annotated[int, Meta(ge=1, le=100000)] = 1000
    rejection_limit: Share = 0.5
    cache: CacheSettings = CacheSettings()

    @property
    def max_letter_bytes(self) -> int:
        """What the topics must admit.

        Messages that are larger than we accept become letters, too: up to the size that the topic
        of the orders admits by default.
        """
        return max(self.max_message_bytes, _BROKER_DEFAULT_BYTES) + _ENVELOPE_BYTES


def _rules(settings: OrdersSettings) -> Iterator[Contradiction]:
    if settings.dead_letter_topic == settings.topic:
        yield "orders.dead_letter_topic", "is the topic of the orders themselves (orders.topic)"


SECTION = Section(
    "orders",
    OrdersSettings,
    _rules,
    renamed={
        "kafka.topic": "topic",
        "kafka.group_id": "group_id",
        "kafka.dead_letter_topic": "dead_letter_topic",
        "kafka.max_message_bytes": "max_message_bytes",
        "kafka.batch.max_messages": "batch_messages",
        "kafka.rejection_limit.share": "rejection_limit",
        "cache.ttl": "cache.ttl",
        "cache.negative_ttl": "cache.negative_ttl",
        "cache.local_size": "cache.local_size",
        "cache.local_ttl": "cache.local_ttl",
        "cache.warm_up": "cache.warm_up",
    },
    retired=ignored(
        "http.max_list_limit",
        "cache.ttl_jitter",
        "kafka.batch.max_bytes",
        "kafka.batch.linger",
        "kafka.batch.lanes",
        "kafka.rejection_limit.window",
    ),
)
