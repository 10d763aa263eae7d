"""Use case: send dead letters to their topic again.

A replay is a new message at the end of the topic: the consumer treats it like any other,
and as the newest word on its order. The letter itself is never touched. What the brokers
have acknowledged is marked in the dead-letter topic afterwards, so a replay that was
interrupted may send a few messages twice, which storage bears, but never loses one.
"""

from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from .dead_letter_record import Letter, LetterId
from .decode import decode
from .errors import InvalidOrderError

_CHUNK_MESSAGES = 100
_CHUNK_BYTES = 4 * 1024 * 1024


class Action(StrEnum):
    """What a replay does with a letter."""

    REPLAY = "replay"
    """It is sent: the service would store it."""

    DONE = "already replayed"
    INVALID = "still invalid"
    """It is not sent: it would only become another letter."""

    OMITTED = "no body"
    """It is not sent: the letter could not hold its body."""


class Step(NamedTuple):
    """What a replay does with one letter, and why, in words without the message's data."""

    id: LetterId
    action: Action
    detail: str


class Resent(NamedTuple):
    """One message on its way back to the topic of its letter."""

    letter: Letter
    key: bytes | None
    body: bytes | None


class Outlet(Protocol):
    """Publishes replays."""

    def publish(self, messages: Sequence[Resent]) -> Collection[LetterId]:
        """Publish `messages` and then their marks; blocks until all are acknowledged.

        Returns:
            The letters whose topic finds them too large; they are neither sent nor marked.

        Raises:
            DeadLettersUnavailableError: Some are not known to be acknowledged.
        """


class Repair(NamedTuple):
    """What is sent instead of the letter's own message."""

    key: bytes
    body: bytes


class Replay:
    """Decides about letters and sends them.

    Args:
        outlet: Where they are sent.
        max_message_bytes: Longest message that the service accepts.
    """

    def __init__(self, outlet: Outlet, max_message_bytes: int) -> None:
        self._outlet = outlet
        self._max_message_bytes = max_message_bytes

    def repair(self, body: bytes) -> Repair:
        """Return the replacement for a letter's message, keyed by its order_uid.

        Raises:
            InvalidOrderError: It is no valid order either.
        """
        return Repair(decode(body, self._max_message_bytes).order_uid.encode(), body)

    def step(self, letter: Letter, replayed: Collection[LetterId], repair: Repair | None) -> Step:
        """Return what is to be done with `letter`.

        Args:
            letter: The letter.
            replayed: Letters that are not to be replayed again.
            repair: What is sent instead of its own message.
        """
        if letter.id in replayed:
            return Step(letter.id, Action.DONE, "it is skipped")
        if repair:
            return Step(letter.id, Action.REPLAY, f"repaired as order {repair.key.decode()}")
        if letter.omitted:
            return Step(letter.id, Action.OMITTED, "it was too large for the dead-letter topic")
        try:
            order = decode(letter.body, self._max_message_bytes)
        except InvalidOrderError as error:
            return Step(letter.id, Action.INVALID, error.reason)
        return Step(letter.id, Action.REPLAY, f"as order {order.order_uid}")

    def send(self, letters: Iterator[Letter], repair: Repair | None) -> Iterator[Step]:
        """Send `letters` in chunks; yield each when it and its mark are acknowledged.

        A letter that its topic finds too large is yielded as OMITTED.

        Raises:
            DeadLettersUnavailableError: The brokers do not acknowledge; what was
                yielded before is done.
        """
        for chunk in _chunks(_resent(letter, repair) for letter in letters):
            refused = self._outlet.publish(chunk)
            for message in chunk:
                yield _outcome(message.letter.id, refused)


def _resent(letter: Letter, repair: Repair | None) -> Resent:
    if repair:
        return Resent(letter, repair.key, repair.body)
    return Resent(letter, letter.record.key, letter.body)


def _outcome(letter: LetterId, refused: Collection[LetterId]) -> Step:
    if letter in refused:
        return Step(letter, Action.OMITTED, "it is too large for its topic")
    return Step(letter, Action.REPLAY, "replayed")


def _chunks(messages: Iterator[Resent]) -> Iterator[Sequence[Resent]]:
    """Yield `messages` in chunks of bounded number and size."""
    chunk: list[Resent] = []
    size = 0
    for message in messages:
        chunk.append(message)
        size += len(message.body or b"")
        if len(chunk) >= _CHUNK_MESSAGES or size >= _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
