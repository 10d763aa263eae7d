"""Use case: send dead letters to their topic again.

A replay is a new message at the end of the topic: the consumer treats it like any other,
and as the newest word on what it is about. The letter itself is never touched. What the brokers
have acknowledged is marked in the dead-letter topic afterwards, so a replay that was
interrupted may send a few messages twice, which its readers bear, but never loses one.
"""

from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from order_service.messaging.errors import InvalidMessageError

from .record import Letter, LetterId
from .topic import DeadLetterTopic, Original

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

    name: str
    key: bytes | None
    body: bytes


class Replay:
    """Decides about letters and sends them.

    Args:
        outlet: Where they are sent.
        topic: Says what is valid.
    """

    def __init__(self, outlet: Outlet, topic: DeadLetterTopic) -> None:
        self._outlet = outlet
        self._topic = topic

    def repair(self, letter: Letter, body: bytes) -> Repair:
        """Return a replacement for the message of `letter`, with the key that belongs to it.

        Raises:
            InvalidMessageError: It is not valid either.
        """
        name = self._topic.check(_original(letter)._replace(body=body))
        return Repair(name, name.encode() if self._topic.keyed else letter.record.key, body)

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
            return Step(letter.id, Action.REPLAY, f"repaired as {self._topic.noun} {repair.name}")
        if letter.omitted:
            return Step(letter.id, Action.OMITTED, "it was too large for the dead-letter topic")
        try:
            name = self._topic.check(_original(letter))
        except InvalidMessageError as error:
            return Step(letter.id, Action.INVALID, error.reason)
        return Step(letter.id, Action.REPLAY, f"as {self._topic.noun} {name}")

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


def _original(letter: Letter) -> Original:
    return Original(letter.record.key, letter.body, dict(letter.original_headers))


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
