"""Adds messages to the outbox of a context."""

import json
import zlib
from collections.abc import Mapping
from typing import NamedTuple

from order_service.infra.postgres.database import Transaction
from order_service.messaging.envelope import Envelope
from order_service.messaging.statements import statements_for

SHARDS = 16
"""Parts of an outbox that relays share among themselves; no more relays than these can work."""


class OutgoingMessage(NamedTuple):
    """A message that is to be published.

    Attributes:
        topic: Where to.
        key: What is in order: messages of one key of a topic keep theirs.
        value: The body; None is a tombstone.
        envelope: What is told beside the body.
    """

    topic: str
    key: bytes
    value: bytes | None
    envelope: Envelope


class Outbox:
    """The outbox of one context.

    Args:
        schema: The context's schema.
    """

    def __init__(self, schema: str) -> None:
        self._add = statements_for(schema, __package__)["add_to_outbox"]

    def add(self, transaction: Transaction, *messages: OutgoingMessage) -> None:
        """Have `messages` published, in this order, once `transaction` is committed.

        Two transactions that add messages of one key at the same time have no order, unless they
        exclude each other: let them change the same row, and add after that.
        """
        if messages:
            transaction.execute(self._add, _columns(messages))


def shard_of(key: bytes) -> int:
    """Return the shard of all messages with this key."""
    return zlib.crc32(key) % SHARDS


def _columns(messages: tuple[OutgoingMessage, ...]) -> Mapping[str, object]:
    return {
        "message_ids": [message.envelope.id for message in messages],
        "topics": [message.topic for message in messages],
        "keys": [message.key for message in messages],
        "values": [message.value for message in messages],
        "headers": [json.dumps(message.envelope.headers()) for message in messages],
        "shards": [shard_of(message.key) for message in messages],
    }
