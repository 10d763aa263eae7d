"""A record of a dead-letter topic: a letter, or the mark that one was replayed.

A mark is a record in the partition of its letter, without a value, whose header
``replayed`` is the letter's id. So it outlives its letter under any retention, needs no
place of its own, and whoever reads the partition on from a letter meets its marks.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, Self

import msgspec

from order_service.messaging.ports import StoredMessage

REASON = "reason"
FAULTS = "faults"
SOURCE_TOPIC = "source-topic"
SOURCE_PARTITION = "source-partition"
SOURCE_OFFSET = "source-offset"
SOURCE_TIMESTAMP = "source-timestamp"
BODY_NULL = "body-null"
BODY_OMITTED = "body-omitted"
KEY_OMITTED = "key-omitted"
REPLAYED = "replayed"
REPLAYED_FROM = "replayed-from"
ORIGINAL = "original-"
"""Begins the names of the headers that the message itself had."""

_ID = re.compile(r"(\d{1,9})-(\d{1,18})", re.ASCII)


class LetterId(NamedTuple):
    """Where a letter stands in the dead-letter topic; written ``<partition>-<offset>``."""

    partition: int
    offset: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the id that `text` writes.

        Raises:
            ValueError: It is none.
        """
        if not (match := _ID.fullmatch(text)):
            raise ValueError(f"{text!r} is no id of a dead letter, such as 3-1042")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.partition}-{self.offset}"


class StoredRecord(StoredMessage, Protocol):
    """One record of the dead-letter topic."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Names and values."""


class Letter(NamedTuple):
    """A dead letter as it stands in its topic; anybody may have written its headers."""

    record: StoredRecord
    headers: Mapping[str, bytes]

    @property
    def id(self) -> LetterId:
        """Its id."""
        return LetterId(self.record.partition, self.record.offset)

    @property
    def reason(self) -> str:
        """Why the message was rejected."""
        return self.text(REASON)

    @property
    def body(self) -> bytes | None:
        """The original's bytes; see `omitted`."""
        return None if BODY_NULL in self.headers else self.record.value

    @property
    def omitted(self) -> bool:
        """Whether the body was too large for the dead-letter topic and is not there."""
        return BODY_OMITTED in self.headers

    @property
    def original_headers(self) -> list[tuple[str, bytes]]:
        """Headers that the message itself had."""
        return [
            (name.removeprefix(ORIGINAL), value)
            for name, value in self.headers.items()
            if name.startswith(ORIGINAL)
        ]

    @property
    def source_topic(self) -> str:
        """Topic of the original; empty if it is not told."""
        return self.text(SOURCE_TOPIC)

    @property
    def faults(self) -> Mapping[str, Any]:
        """Field to its faults."""
        try:
            return msgspec.json.decode(self.headers.get(FAULTS, b"{}"), type=dict[str, Any])
        except (ValueError, RecursionError):
            return {"_message": [self.text(FAULTS)]}

    def text(self, header: str) -> str:
        """Return a header as text, empty if it is missing."""
        return (self.headers.get(header) or b"").decode(errors="backslashreplace")

    def number(self, header: str) -> int | None:
        """Return a header as a number, None if it is none."""
        text = self.text(header)
        return int(text) if re.fullmatch(r"-?\d{1,18}", text, re.ASCII) else None


def letter_of(record: StoredRecord) -> Letter | None:
    """Return the letter that `record` is, None for a mark."""
    headers = dict(record.headers)
    return None if REPLAYED in headers else Letter(record, headers)


def marked(record: StoredRecord) -> LetterId | None:
    """Return the id of the letter that `record` marks as replayed, None if it is no mark."""
    for name, value in record.headers:
        if name == REPLAYED and (match := _ID.fullmatch(value.decode(errors="replace"))):
            return LetterId(int(match[1]), int(match[2]))
    return None


def fault_lines(faults: object, path: str = "") -> Iterator[str]:
    """Yield ``field.of.the.message: what is wrong`` for each fault."""
    if isinstance(faults, Mapping):
        for name, inner in faults.items():
            yield from fault_lines(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(faults, list):
        for inner in faults:
            yield from fault_lines(inner, path)
    else:
        yield str(faults) if path == "_message" else f"{path}: {faults}"
