"""How far each partition has got: read, stored, committed.

Pure bookkeeping of the consumer loop, without a broker in it.
"""

from collections.abc import Collection, Mapping
from typing import Any

from kafka import OffsetAndMetadata, TopicPartition

Offsets = Mapping[TopicPartition, OffsetAndMetadata]


class OffsetTracker:
    """Offsets of the partitions that are assigned at present; used by one thread.

    Attributes:
        joined: Whether the group has assigned partitions yet, be it none.
    """

    def __init__(self) -> None:
        self.joined = False
        self._begun: dict[TopicPartition, int] = {}
        self._expected: dict[TopicPartition, int] = {}
        self._stored: dict[TopicPartition, int] = {}
        self._uncommitted: dict[TopicPartition, OffsetAndMetadata] = {}

    def keep(self, assigned: Collection[TopicPartition]) -> None:
        """Drop what is known of all partitions but these: others read them now.

        A partition that stays keeps its position in the client, so what is known of it
        still holds. What is stored but not committed is kept in any case.
        """
        self.joined = True
        for known in (self._begun, self._expected, self._stored):
            for partition in known.keys() - assigned:
                del known[partition]

    def expected(self, partition: TopicPartition) -> int | None:
        """Return the offset of the next message, None if none was read yet."""
        return self._expected.get(partition)

    def read(self, partition: TopicPartition, first: int, last: int) -> None:
        """Messages from `first` to `last` were read."""
        self._begun.setdefault(partition, first)
        self._expected[partition] = last + 1

    def stored(self, offsets: Offsets, assigned: Collection[TopicPartition]) -> None:
        """A batch is stored; `offsets` are to be committed where still `assigned`."""
        for partition, offset in offsets.items():
            # One that was taken away meanwhile is the business of its new owner.
            if partition in assigned:
                self._uncommitted[partition] = offset
                self._stored[partition] = offset.offset

    def to_commit(self, assigned: Collection[TopicPartition]) -> Offsets:
        """Return what is stored, not committed and still `assigned`."""
        return {tp: offset for tp, offset in self._uncommitted.items() if tp in assigned}

    def committed(self) -> None:
        """What was to be committed is."""
        self._uncommitted.clear()

    def reached(self, partition: TopicPartition) -> int | None:
        """Return the offset up to which messages are stored, None if none was read yet."""
        return self._stored.get(partition, self._begun.get(partition))


def offsets_behind(batch: Collection[Any]) -> Offsets:
    """Return the offsets to commit once the whole `batch`, of one topic, is stored."""
    last = {record.partition: record for record in batch}
    return {
        TopicPartition(record.topic, record.partition): OffsetAndMetadata(
            record.offset + 1, "", record.leader_epoch
        )
        for record in last.values()
    }


class OffsetRanges:
    """The first and the last offset of each partition in a batch; worked out when it is shown.

    Logs carry one with every line about a batch, and most batches have no line.
    """

    MOST = 16
    """Partitions that are named; one that is missing in a log is found by the others."""

    def __init__(self, batch: Collection[Any]) -> None:
        self._batch = batch

    def each(self) -> list[str]:
        """Return ``partition:first-last`` for each partition, for the first ones of many."""
        ends: dict[int, tuple[int, int]] = {}
        for record in self._batch:
            first, _ = ends.get(record.partition, (record.offset, 0))
            ends[record.partition] = (first, record.offset)
        shown = [f"{number}:{first}-{last}" for number, (first, last) in ends.items()]
        more = len(shown) - self.MOST
        return [*shown[: self.MOST], f"and {more} more"] if more > 0 else shown

    def __repr__(self) -> str:
        return " ".join(self.each())
