"""Finds dead letters: by id, or by reason, time, source partition and key."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from order_service.infra.kafka.ranges import Range, covering

from .masking import key_text
from .record import (
    SOURCE_OFFSET,
    SOURCE_PARTITION,
    Letter,
    LetterId,
    StoredRecord,
    fault_lines,
    letter_of,
    marked,
)

Mentions = Callable[[bytes, str], bool]


class Wanted(NamedTuple):
    """Which letters are meant; None and empty mean any.

    Attributes:
        reasons: Any of these.
        since: Rejected at this time or later, in milliseconds since the epoch.
        until: Rejected before this time.
        partition: Partition of the source topic.
        key: The message's key, or what its body is about, such as an order_uid.
    """

    reasons: frozenset[str] = frozenset()
    since: int | None = None
    until: int | None = None
    partition: int | None = None
    key: str | None = None

    def admits(self, letter: Letter, mentions: Mentions) -> bool:
        """Return whether `letter` is meant.

        Args:
            letter: The letter.
            mentions: See :class:`topic.DeadLetterTopic`.
        """
        time = letter.record.timestamp
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (self.since is None or time >= self.since)
            and (self.until is None or time < self.until)
            and (self.partition is None or letter.number(SOURCE_PARTITION) == self.partition)
            and (self.key is None or _has_key(letter, self.key, mentions))
        )


def _has_key(letter: Letter, wanted: str, mentions: Mentions) -> bool:
    key = wanted.encode(errors="surrogateescape")
    return letter.record.key == key or mentions(letter.body or b"", wanted)


class Reader(Protocol):
    """Reads a dead-letter topic; :class:`infra.kafka.reader.TopicReader` is one."""

    def extent(self) -> Sequence[Range]:
        """Return what the topic holds now."""

    def read(self, ranges: Iterable[Range]) -> Iterator[StoredRecord]:
        """Yield the records of `ranges`."""


Track = Callable[[Iterator[StoredRecord], int], Iterator[StoredRecord]]
"""Passes records on and shows how many of about so many have gone by."""


def untracked(records: Iterator[StoredRecord], _total: int) -> Iterator[StoredRecord]:
    """Show nothing."""
    return records


class LettersFound(NamedTuple):
    """The newest letters of a search, oldest first.

    Attributes:
        letters: As many as were asked for; without their bodies.
        total: How many matched.
        replayed: Ids of all letters that have been replayed.
    """

    letters: Sequence["Summary"]
    total: int
    replayed: frozenset[LetterId]


class Summary(NamedTuple):
    """What a list tells of a letter; no value of the message but its key."""

    timestamp: int
    id: LetterId
    reason: str
    source: str
    key: str
    faults: Sequence[str]
    size: int


class DeadLetterLog:
    """A dead-letter topic up to where it ended when a call began.

    Args:
        reader: Reads it.
        mentions: See :class:`topic.DeadLetterTopic`.
    """

    def __init__(self, reader: Reader, mentions: Mentions) -> None:
        self._reader = reader
        self._mentions = mentions

    def newest(self, wanted: Wanted, limit: int, track: Track = untracked) -> LettersFound:
        """Return the newest `limit` letters that `wanted` admits; holds no more than these."""
        heap: list[Summary] = []
        replayed: set[LetterId] = set()
        total = 0
        for record in self._all(track):
            if mark := marked(record):
                replayed.add(mark)
            elif (letter := letter_of(record)) and wanted.admits(letter, self._mentions):
                total += 1
                _push(heap, letter, limit)
        return LettersFound(sorted(heap), total, frozenset(replayed))

    def _all(self, track: Track) -> Iterator[StoredRecord]:
        extent = self._reader.extent()
        return track(self._reader.read(extent), sum(stop - start for _, start, stop in extent))

    def find(self, wanted: Wanted) -> Iterator[Letter]:
        """Yield the letters that `wanted` admits, by partition and offset."""
        for record in self._all(untracked):
            if (letter := letter_of(record)) and wanted.admits(letter, self._mentions):
                yield letter

    def get(self, ids: Iterable[LetterId], track: Track = untracked) -> Iterator[Letter]:
        """Yield the letters of these `ids` that exist, by partition and offset."""
        wanted = set(ids)
        extent = {whole.partition: whole for whole in self._reader.extent()}
        ranges = [
            _within(each, extent[each.partition])
            for each in covering(sorted(wanted))
            if each.partition in extent
        ]
        for record in track(self._reader.read(ranges), len(wanted)):
            letter = letter_of(record)
            if letter and letter.id in wanted:
                yield letter

    def replayed(self, ids: Iterable[LetterId] | None, track: Track = untracked) -> set[LetterId]:
        """Return which letters (of `ids`, None: of all) have been replayed."""
        first: dict[int, int] = {}
        for partition, offset in ids or ():
            first[partition] = min(offset, first.get(partition, offset))
        ranges = [
            whole._replace(start=max(whole.start, first.get(whole.partition, 0)))
            for whole in self._reader.extent()
            if ids is None or whole.partition in first
        ]
        total = sum(max(0, stop - start) for _, start, stop in ranges)
        marks = map(marked, track(self._reader.read(ranges), total))
        return {mark for mark in marks if mark}


def _push(heap: list[Summary], letter: Letter, limit: int) -> None:
    """Add `letter` to the newest `limit` ones."""
    if len(heap) < limit:
        heapq.heappush(heap, _summary(letter))
    elif (letter.record.timestamp, letter.id) > heap[0][:2]:
        heapq.heapreplace(heap, _summary(letter))


def _summary(letter: Letter) -> Summary:
    source = (letter.source_topic, letter.text(SOURCE_PARTITION), letter.text(SOURCE_OFFSET))
    lines = [line[:200] for line, _ in zip(fault_lines(letter.faults), range(3), strict=False)]
    return Summary(
        letter.record.timestamp,
        letter.id,
        letter.reason,
        "/".join(source),
        key_text((letter.record.key or b"")[:256]),
        lines,
        len(letter.body or b""),
    )


def _within(wanted: Range, whole: Range) -> Range:
    return Range(wanted.partition, max(wanted.start, whole.start), min(wanted.stop, whole.stop))
