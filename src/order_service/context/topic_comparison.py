"""What a context offers that compares its topic with its tables, so that losses can be repaired.

A database that fails over to a replica that was behind forgets what was committed last, while the
brokers remember that it was consumed. The topic still has the messages.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from order_service.infra.kafka.ranges import Stretch


class Lack(StrEnum):
    """What is wrong with a thing in the tables."""

    MISSING = "missing"
    OUTDATED = "outdated"


class Difference(NamedTuple):
    """A message that should have had its effect on the tables, and has not.

    Attributes:
        id: What people call the thing that it is about.
        lack: What is wrong with that thing.
        partition: Of the message.
        offset: Of the message: the last one about that thing.
        timestamp: Of the message, in milliseconds since the epoch, -1 if unknown.
    """

    id: str
    lack: Lack
    partition: int
    offset: int
    timestamp: int


class Tally(NamedTuple):
    """What a comparison came to.

    Attributes:
        messages: How many were read.
        dead_letters: Those among them that can never be handled, and were not compared.
        missing: Things that are not in the tables.
        outdated: Things of which the tables have older content.
    """

    messages: int
    dead_letters: int
    missing: int
    outdated: int


class Repaired(NamedTuple):
    """What one step of a repair did, in numbers of things.

    Attributes:
        created: Stored, as they were missing.
        replaced: Stored instead of older content.
        unchanged: Found to be there by now.
        refused: Not stored: the database refuses them for good.
        gone: Not stored: the topic has dropped their messages meanwhile.
    """

    created: int = 0
    replaced: int = 0
    unchanged: int = 0
    refused: int = 0
    gone: int = 0


class TopicComparison(Protocol):
    """Compares one topic with the tables that its messages have their effect on.

    Every call blocks and raises KafkaError if the brokers do not answer, UnavailableError if the
    database does not, OSError if there is no room for what is found. Only `repair` changes
    anything.
    """

    @property
    def things(self) -> str:
        """What the messages are about: ``orders``."""

    @property
    def topic(self) -> str:
        """Name of the topic."""

    @property
    def group(self) -> str:
        """The group that consumes it."""

    def stretches(self, since: int) -> "Sequence[Stretch]":
        """Return what was consumed since a moment, in milliseconds since the epoch."""

    def compare(self, stretches: "Sequence[Stretch]", since: int) -> Iterator[int]:
        """Compare, step by step; yield how many messages each step has read."""

    def tally(self) -> Tally:
        """Return what was found so far."""

    def differences(self, limit: int) -> Iterator[Difference]:
        """Yield at most `limit` differences, by partition and offset."""

    def repair(self) -> Iterator[Repaired]:
        """Handle the messages of all differences again, step by step; safe to do again."""
