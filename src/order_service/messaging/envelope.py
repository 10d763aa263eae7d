"""What is told of a message beside its body: in its headers, the same for all topics.

`id` names the message for ever: whoever has handled it once knows a copy by it. `type` says how
the body is to be read, `content-type` how it is written, `time` when it came about (RFC 3339), and
`traceparent` (W3C Trace Context), which is optional, what it is a consequence of. The names are
those of CloudEvents without their prefix.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple, NoReturn, Self
from uuid import UUID

from .errors import InvalidMessageError

ID = "id"
TYPE = "type"
TIME = "time"
TRACEPARENT = "traceparent"
CONTENT_TYPE = "content-type"

JSON = "application/json"
PROTOBUF = "application/protobuf"

_LONGEST = 256
"""Bytes of a header that is looked at: more is no envelope of ours."""


class Envelope(NamedTuple):
    """What is told of a message beside its body.

    Attributes:
        id: Of this message and of each of its copies; no other message has it.
        type: What the body says, such as ``payments.settled.v1``.
        time: When it came about; aware of its offset.
        content_type: A media type, such as ``application/json``.
        traceparent: The span that it is a consequence of; empty if there is none.
    """

    id: UUID
    type: str
    time: datetime
    content_type: str
    traceparent: str = ""

    def headers(self) -> dict[str, str]:
        """Return the headers that tell it."""
        told = {
            ID: str(self.id),
            TYPE: self.type,
            TIME: _rfc3339(self.time),
            CONTENT_TYPE: self.content_type,
        }
        return told | {TRACEPARENT: self.traceparent} if self.traceparent else told

    @classmethod
    def parse(cls, headers: Iterable[tuple[str, bytes | None]]) -> Self:
        """Return the envelope that the headers of a record tell.

        Raises:
            InvalidMessageError: They tell none; its reason is ``invalid_envelope``.
        """
        told = {name: _text(name, value) for name, value in headers if name in _NAMES}
        return cls(
            _id(told),
            _required(told, TYPE),
            _time(told),
            told.get(CONTENT_TYPE, ""),
            told.get(TRACEPARENT, ""),
        )


_NAMES = frozenset({ID, TYPE, TIME, TRACEPARENT, CONTENT_TYPE})


def _refuse(name: str, fault: str) -> NoReturn:
    raise InvalidMessageError("invalid_envelope", {name: [fault]})


def _text(name: str, value: bytes | None) -> str:
    if value is None or len(value) > _LONGEST:
        _refuse(name, f"Must be 0 to {_LONGEST} bytes.")
    try:
        return value.decode("ascii")
    except UnicodeDecodeError:
        _refuse(name, "Not ASCII.")


def _required(told: Mapping[str, str], name: str) -> str:
    return told.get(name) or _refuse(name, "Missing header.")


def _id(told: Mapping[str, str]) -> UUID:
    text = _required(told, ID)
    try:
        return UUID(text)
    except ValueError:
        _refuse(ID, "Not a UUID.")


def _time(told: Mapping[str, str]) -> datetime:
    text = _required(told, TIME)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        _refuse(TIME, "Not a time as in RFC 3339.")
    if time.tzinfo is None:
        _refuse(TIME, "Without an offset from UTC.")
    return time


def _rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
