"""An outbox, its relays, a topic and an inbox in memory, that can fail at every step."""

import threading
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from typing import Any, NamedTuple, TypeVar, cast
from uuid import UUID

from order_service.infra.postgres.database import Transaction
from order_service.infra.postgres.faults import UnavailableError
from order_service.messaging.envelope import JSON, Envelope
from order_service.messaging.errors import InvalidMessageError, TopicsUnavailableError
from order_service.messaging.inbox import Inbox, IncomingMessage
from order_service.messaging.outbox import SHARDS, shard_of
from order_service.messaging.outbox.ports import OutboxDepth, PendingMessage
from order_service.messaging.outbox.relay import Relay, Retries
from tests.messaging_tables import NOON

T = TypeVar("T")

ALL_SHARDS = range(SHARDS)


class CrashError(Exception):
    """The process ends here."""


class Again:
    """A :class:`Retry` without pauses."""

    def __init__(self, *transient: type[Exception]) -> None:
        self._transient = transient

    def call(self, attempt: Callable[[], T]) -> T:
        while True:
            try:
                return attempt()
            except self._transient:
                continue


def pending(id_: int, key: bytes = b"key", value: bytes = b"", **parts: Any) -> PendingMessage:  # noqa: ANN401 - fields
    """A message of an outbox, with an envelope of its own."""
    headers = Envelope(UUID(int=id_), "test.happened.v1", NOON, JSON).headers()
    return PendingMessage(id_, "t", key, value, headers, 0)._replace(**parts)


class MemoryOutbox:
    """Rows, the leases on them, and which keys are blocked until they are tried again."""

    def __init__(self) -> None:
        self.rows: dict[int, PendingMessage] = {}
        self.owners: dict[int, MemoryLease] = {}
        self.blocked: set[int] = set()

    def take_over(self, shards: Sequence[int]) -> "MemoryLease":
        """A lease on these shards; whoever had them has lost his lease."""
        lease = MemoryLease(self, shards)
        for shard in shards:
            if shard in self.owners:
                self.owners[shard].lost = True
            self.owners[shard] = lease
        return lease


class MemoryLease:
    """A :class:`ports.OutboxLease`."""

    def __init__(self, outbox: MemoryOutbox, shards: Sequence[int]) -> None:
        self._outbox = outbox
        self._shards = set(shards)
        self.lost = False
        self.crash_at_delete = False

    def share(self) -> Sequence[int]:
        self.confirm()
        return sorted(self._shards)

    def pending(self, most_messages: int, most_bytes: int) -> Sequence[PendingMessage]:
        del most_bytes
        self.confirm()
        rows = self._outbox.rows
        blocked = {(rows[id_].topic, rows[id_].key) for id_ in self._outbox.blocked}
        found = [
            row
            for _, row in sorted(rows.items())
            if shard_of(row.key) in self._shards and (row.topic, row.key) not in blocked
        ]
        return found[:most_messages]

    def confirm(self) -> None:
        if self.lost:
            raise UnavailableError("lost")

    def sent(self, ids: Sequence[int]) -> None:
        if self.crash_at_delete:
            raise CrashError
        self.confirm()
        for id_ in ids:
            self._outbox.rows.pop(id_, None)

    def block(self, ids: Sequence[int], error: str) -> None:
        assert error
        self.confirm()
        for id_ in ids:
            row = self._outbox.rows[id_]
            self._outbox.rows[id_] = row._replace(attempts=row.attempts + 1)
            self._outbox.blocked.add(id_)

    def measure(self) -> OutboxDepth:
        self.confirm()
        return OutboxDepth(len(self._outbox.rows), 0.0, len(self._outbox.blocked))

    def close(self) -> None:
        self.lost = True


class Fault(Enum):
    """What happens to a publication."""

    NONE = auto()
    UNAVAILABLE = auto()
    """Nothing is acknowledged, a part may have arrived; the next attempt succeeds."""
    CRASH = auto()
    """A part arrives, then the process ends."""
    FREEZE = auto()
    """A part arrives at once and the rest at any time later; the process never learns."""
    CRASH_AFTER = auto()
    """All arrives, and the process ends before it deletes anything."""


class Wire:
    """A topic, and what is still on its way there. A :class:`ports.Topics`.

    Attributes:
        arrived: In the order of the topic.
        late: Publications of frozen relays.
        largest: Bytes of a value that the topic admits.
        fault: What happens to the next publication, and to how much of it.
    """

    def __init__(self) -> None:
        self.arrived: list[PendingMessage] = []
        self.late: list[list[PendingMessage]] = []
        self.largest = 1_000_000
        self.fault = Fault.NONE
        self.part = 0
        self.closed = 0

    def publish(self, messages: Sequence[PendingMessage]) -> Mapping[int, str]:
        fault, self.fault = self.fault, Fault.NONE
        refused = {row.id: "too large" for row in messages if len(row.value or b"") > self.largest}
        admitted = [row for row in messages if row.id not in refused]
        if fault in {Fault.NONE, Fault.CRASH_AFTER}:
            self.arrived += admitted
            return refused
        part = self.part % (len(admitted) + 1)
        self.arrived += admitted[:part]
        if fault is Fault.UNAVAILABLE:
            raise TopicsUnavailableError
        if fault is Fault.FREEZE:
            self.late.append(admitted[part:])
        raise CrashError

    def close(self) -> None:
        self.closed += 1


class RelayTold:
    """Remembers what an observer is told."""

    def __init__(self) -> None:
        self.counted = {"published": 0, "refused": 0}
        self.shards: list[int] = []
        self.depths: list[OutboxDepth] = []

    def published(self, messages: int) -> None:
        self.counted["published"] += messages

    def refused(self, messages: int) -> None:
        self.counted["refused"] += messages

    def holds(self, shards: int) -> None:
        self.shards.append(shards)

    def measured(self, depth: OutboxDepth) -> None:
        self.depths.append(depth)


def relay_on(
    wire: Wire,
    open_lease: Callable[[], MemoryLease] | None = None,
    stopping: threading.Event | None = None,
    told: RelayTold | None = None,
) -> Relay:
    """A relay that does not wait for what is away."""
    return Relay(
        open_lease or (lambda: MemoryOutbox().take_over(ALL_SHARDS)),
        wire,
        Retries(Again(), Again(TopicsUnavailableError)),
        told or RelayTold(),
        stopping or threading.Event(),
    )


class Effect(NamedTuple):
    """What a message brought about."""

    key: bytes
    number: int


class MemoryState:
    """What a database holds: ids of the inbox, and effects."""

    def __init__(self) -> None:
        self.ids: set[UUID] = set()
        self.effects: list[Effect] = []


class MemoryTransactions:
    """Runs work as a transaction on a state.

    Attributes:
        conflicts: How many of the next transactions are lost to others.
        lose_answer: The next commit takes effect, but its answer is lost.
    """

    def __init__(self) -> None:
        self.state = MemoryState()
        self.conflicts = 0
        self.lose_answer = False
        self.pruned = 0

    def run(self, name: str, work: Callable[[Transaction], T]) -> T:
        assert name
        copy = MemoryState()
        copy.ids, copy.effects = set(self.state.ids), list(self.state.effects)
        result = work(cast("Transaction", copy))
        if self.conflicts:
            self.conflicts -= 1
            raise UnavailableError("conflict")
        self.state = copy
        if self.lose_answer:
            self.lose_answer = False
            raise UnavailableError("lost", outcome_unknown=True)
        return result

    def write(self, query: object, parameters: object, /) -> list[tuple[Any, ...]]:
        raise AssertionError(query, parameters)


class MemoryInbox(Inbox):
    """The inbox of such a state."""

    def __init__(self) -> None:
        super().__init__("memory")
        self.prunings = 0

    def accept_all(self, transaction: Any, message_ids: Sequence[UUID]) -> set[UUID]:  # noqa: ANN401 - a fake
        fresh: set[UUID] = set(message_ids) - transaction.ids
        transaction.ids |= fresh
        return fresh

    def prune(self, database: object, retention: object = None) -> int:
        del database, retention
        self.prunings += 1
        return 0


class Counting:
    """Effects that note a key and a number; a body that is no number is never handled."""

    def decode(self, message: IncomingMessage) -> int:
        try:
            return int(message.value or b"")
        except ValueError:
            raise InvalidMessageError("no_number", {"_message": ["Not a number."]}) from None

    def apply(self, transaction: Any, message: IncomingMessage, content: int) -> None:  # noqa: ANN401 - a fake
        if content < 0:
            raise InvalidMessageError("negative", {"_message": ["Negative."]})
        transaction.effects.append(Effect(message.key or b"", content))


class InboxTold:
    """Remembers what an observer is told."""

    def __init__(self) -> None:
        self.counted = {"handled": 0, "duplicates": 0, "rejected": 0}

    def handled(self, messages: int) -> None:
        self.counted["handled"] += messages

    def duplicates(self, messages: int) -> None:
        self.counted["duplicates"] += messages

    def rejected(self, messages: int) -> None:
        self.counted["rejected"] += messages
