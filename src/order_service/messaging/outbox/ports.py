"""What a relay needs from the outside, as Protocols."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class PendingMessage(NamedTuple):
    """A message of the outbox that waits.

    Attributes:
        id: Its place among those of its key.
        topic: Where to.
        key: What is in order.
        value: The body.
        headers: Names and values.
        attempts: How often its topic has refused it.
    """

    id: int
    topic: str
    key: bytes
    value: bytes | None
    headers: Mapping[str, str]
    attempts: int

    @property
    def size(self) -> int:
        """About how many bytes it takes in its topic."""
        headers = sum(len(name) + len(value) for name, value in self.headers.items())
        return len(self.key) + len(self.value or b"") + headers


class OutboxDepth(NamedTuple):
    """How much waits.

    Attributes:
        messages: How many, counted to a bound.
        oldest: Seconds for which the oldest has been waiting, 0 if there is none.
        blocked: Messages that were refused by their topics and hold up their keys.
    """

    messages: int
    oldest: float
    blocked: int


class OutboxLease(Protocol):
    """Shards of an outbox that nobody else works on, for as long as this lives.

    All calls raise UnavailableError once it has ended or the database is away; then the shards may
    be another's already.
    """

    def share(self) -> Sequence[int]:
        """Take or give back shards, so that all relays have about as many; return what is held."""

    def pending(self, most_messages: int, most_bytes: int) -> Sequence[PendingMessage]:
        """Return the first messages of the shards that are held, without those of blocked keys.

        In order of id; at least one if there is one, whatever its size.
        """

    def confirm(self) -> None:
        """Return if the lease is known to have lived within the last moments."""

    def sent(self, ids: Sequence[int]) -> None:
        """Delete messages that are acknowledged."""

    def block(self, ids: Sequence[int], error: str) -> None:
        """Note that messages were refused; their keys wait, longer with each refusal."""

    def measure(self) -> OutboxDepth:
        """Return how much waits in all shards."""

    def close(self) -> None:
        """End it; raises nothing."""


class Topics(Protocol):
    """Where messages are published."""

    def publish(self, messages: Sequence[PendingMessage]) -> Mapping[int, str]:
        """Publish `messages` and block until the brokers have acknowledged them.

        Returns:
            The ids of those that their topics refuse, and why; all others are acknowledged.

        Raises:
            TopicsUnavailableError: Some are not known to be acknowledged; call again with all.
        """

    def close(self) -> None:
        """Drop what is not sent yet, and the connections."""


class RelayObserver(Protocol):
    """Told what a relay did, for metrics."""

    def published(self, messages: int) -> None:
        """Messages were acknowledged."""

    def refused(self, messages: int) -> None:
        """Messages were refused by their topics."""

    def holds(self, shards: int) -> None:
        """The relay works on so many shards."""

    def measured(self, depth: OutboxDepth) -> None:
        """So much waits."""
