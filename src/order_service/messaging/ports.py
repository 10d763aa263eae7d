"""Messages and dead letters as use cases see them, without a client of Kafka."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class StoredMessage(Protocol):
    """What records of all topics have in common; kafka-python's ConsumerRecord is one."""

    @property
    def partition(self) -> int:
        """Number of the partition."""

    @property
    def offset(self) -> int:
        """Position within the partition."""

    @property
    def timestamp(self) -> int:
        """Milliseconds since the epoch (UTC), -1 if unknown."""

    @property
    def key(self) -> bytes | None:
        """The key's bytes."""

    @property
    def value(self) -> bytes | None:
        """The content's bytes; None is a tombstone."""


class Message(StoredMessage, Protocol):
    """One record of a topic, raw."""

    @property
    def topic(self) -> str:
        """Name of the topic."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """Names and values."""


class DeadLetter(NamedTuple):
    """A message that can never be handled, and why.

    Attributes:
        message: The original, bytes untouched.
        reason: Stable kind, for example ``invalid_json``.
        faults: Field name to its faults.
    """

    message: Message
    reason: str
    faults: Mapping[str, object]


class DeadLetters(Protocol):
    """Where messages go that can never be handled."""

    def publish(self, letters: Sequence[DeadLetter]) -> None:
        """Publish `letters` and block until the broker has acknowledged every one.

        Raises:
            DeadLettersUnavailableError: Some are not acknowledged; call again with all.
        """
