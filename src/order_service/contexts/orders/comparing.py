"""Use case: find the orders of a stretch of the topic that the tables lack.

Each valid message is held against the row of its order. Nothing is lacking if the row has the same
content, or that of a later message. Which of two messages is the later one their offsets tell
within a partition of one topic. Between partitions, or topics of the same name that came one
after the other, offsets say nothing: there a message counts as later than a row only if it was
sent after that row was written, so that in doubt the row stands.

An order is judged by its last message in the stretch: those before it were replaced anyway.
"""

from collections.abc import Sequence
from typing import NamedTuple

from order_service.context.topic_comparison import Difference, Lack, Tally
from order_service.messaging.ports import Message

from .decode import MAX_MESSAGE_BYTES, decode
from .differences import Differences
from .errors import InvalidOrderError
from .model import Document
from .ports import Source, Standing, Standings


class Candidate(NamedTuple):
    """A valid order as a message has it."""

    uid: str
    digest: str
    source: Source
    timestamp: int


class Comparing:
    """Compares batch by batch; holds nothing but the differences.

    Args:
        orders: Says where stored orders came from.
        differences: Holds what is found, and knows which messages became dead letters.
        stream: Identity of the topic; see :class:`ports.Source`.
        max_bytes: Longest message that is accepted.
    """

    def __init__(
        self,
        orders: Standings,
        differences: Differences,
        stream: str | None,
        max_bytes: int = MAX_MESSAGE_BYTES,
    ) -> None:
        self._orders = orders
        self._differences = differences
        self._stream = stream
        self._max_bytes = max_bytes
        self._messages = self._dead_letters = 0

    def take(self, messages: Sequence[Message]) -> None:
        """Compare a batch; blocks for one query.

        Args:
            messages: Of each partition in the order of their offsets.

        Raises:
            StorageUnavailableError: The batch is not compared; call again.
        """
        candidates = [each for each in map(self._candidate, messages) if each]
        uids = sorted({each.uid for each in candidates})
        stored = self._orders.standings(uids) if uids else {}
        self._messages += len(messages)
        self._dead_letters += len(messages) - len(candidates)
        for each in candidates:
            self._judge(each, stored.get(each.uid))

    def tally(self) -> Tally:
        """Return what was found so far."""
        missing, outdated = map(self._differences.count, (Lack.MISSING, Lack.OUTDATED))
        return Tally(self._messages, self._dead_letters, missing, outdated)

    def _candidate(self, message: Message) -> Candidate | None:
        try:
            order = decode(message.value, self._max_bytes)
        except InvalidOrderError:
            return None
        source = Source(self._stream, message.partition, message.offset)
        return Candidate(order.order_uid, Document.of(order).digest, source, message.timestamp)

    def _judge(self, each: Candidate, standing: Standing | None) -> None:
        source, sent = each.source, each.timestamp
        if standing and standing.digest == each.digest:
            self._differences.clear(each.uid, source.partition, sent)
            return
        lack = lack_of(each, standing)
        if lack is None:
            return
        if self._differences.has_letter((source.partition, source.offset, sent)):
            self._dead_letters += 1
            return
        self._differences.put(Difference(each.uid, lack, source.partition, source.offset, sent))


def lack_of(message: Candidate, standing: Standing | None) -> Lack | None:
    """Return what the tables lack, given a message and the row of its order, None if nothing."""
    if standing is None:
        return Lack.MISSING
    if standing.digest == message.digest:
        return None
    if _comparable(message.source, standing.source):
        later = message.source.offset > standing.source.offset
    else:
        later = message.timestamp > standing.stored_at
    return Lack.OUTDATED if later else None


def _comparable(one: Source, other: Source) -> bool:
    """Return whether the offsets of two messages tell which is the later one."""
    return one.stream is not None and (one.stream, one.partition) == (other.stream, other.partition)
