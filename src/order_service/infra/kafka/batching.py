"""How records are put together to batches."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

ConsumerRecord = Any
"""A record as the library delivers it; the library has no types."""


class BatchObserver(Protocol):
    """Told of every batch, for metrics."""

    def taken(self, messages: int, size: int) -> None:
        """A batch of `messages` messages and `size` bytes was read."""

    def took(self, stage: str, seconds: float) -> None:
        """One stage of a batch took `seconds`: decode, store, or commit.

        Told in the loop's thread: a commit is for the batches whose store was told before it, and
        for no other, even if another has been stored meanwhile.
        """


class BatchLimits(NamedTuple):
    """How much is taken at once.

    Attributes:
        max_messages: Most messages of one batch.
        max_bytes: Most bytes of one batch; a single larger message is a batch of its own.
        first_batch: Messages that the first batch should have, if as many are waiting and
            fit into it: so many verdicts tell whether a restart met a poisoned topic.
    """

    max_messages: int
    max_bytes: int
    first_batch: int = 0


def size_of(record: ConsumerRecord) -> int:
    """Return the bytes of key and value."""
    value: int = record.serialized_value_size
    key: int = record.serialized_key_size
    # Of what is missing the size is -1.
    return (max(0, value)) + (max(0, key))


def split(
    records: Sequence[ConsumerRecord], max_bytes: int, observer: BatchObserver
) -> Iterator[Sequence[ConsumerRecord]]:
    """Yield `records` in batches of at most `max_bytes`, one larger record alone."""
    start = size = 0
    for index, record in enumerate(records):
        length = size_of(record)
        if size and size + length > max_bytes:
            observer.taken(index - start, size)
            yield records[start:index]
            start, size = index, 0
        size += length
    if records:
        observer.taken(len(records) - start, size)
        yield records[start:]


def in_batches(
    records: Iterable[ConsumerRecord], limits: BatchLimits
) -> Iterator[Sequence[ConsumerRecord]]:
    """Yield `records` as they come in batches of bounded number and bytes, one larger one alone."""
    batch: list[ConsumerRecord] = []
    size = 0
    for record in records:
        length = size_of(record)
        if batch and (len(batch) >= limits.max_messages or size + length > limits.max_bytes):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += length
    if batch:
        yield batch
