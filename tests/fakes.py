"""The ports of the orders context in memory, for tests of the use cases.

They pass the contract tests of the real adapters (tests/contract), so what a use case does
with a fake it does with Postgres, Redis and Kafka.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

from order_service.contexts.orders.decode import decode
from order_service.contexts.orders.errors import (
    InvalidOrderError,
    StorageRejectedError,
    StorageUnavailableError,
)
from order_service.contexts.orders.model import Document, Order
from order_service.contexts.orders.ports import (
    ABSENT,
    Absent,
    Level,
    OrderFilter,
    OrderRecord,
    OrderSummary,
    Outcome,
    Position,
    Source,
    Standing,
)
from order_service.messaging.errors import DeadLettersUnavailableError
from order_service.messaging.ports import DeadLetter

T = TypeVar("T")


class MemoryOrders:
    """An :class:`ports.OrderRepository` and :class:`ports.Standings`.

    It refuses what no validation would let through.

    Attributes:
        away: Every call raises StorageUnavailableError.
        refused: Uids that are refused for good.
        saves: The uids of every call of `save`, whatever came of it.
        finds: The uids of every call of `find`.
        before_find: Called by every `find` first, to hold it back.
        now: Time of what is stored, in milliseconds since the epoch.
    """

    def __init__(self) -> None:
        self.away = False
        self.refused: set[str] = set()
        self.saves: list[list[str]] = []
        self.finds: list[str] = []
        self.before_find: Callable[[], object] = lambda: None
        self.now = 0
        self._records: dict[str, OrderRecord] = {}
        self._stored_at: dict[str, int] = {}

    def save(self, records: Sequence[OrderRecord]) -> Mapping[str, Outcome]:
        self.saves.append([record.uid for record in records])
        self._answer()
        for record in records:
            self._check(record, records)
        return {record.uid: self._save(record) for record in records}

    def _answer(self) -> None:
        if self.away:
            raise StorageUnavailableError("away")

    def _check(self, record: OrderRecord, records: Sequence[OrderRecord]) -> None:
        try:
            decode(record.document.body)
            guilty = record.uid in self.refused
        except InvalidOrderError:
            guilty = True
        if guilty:
            raise StorageRejectedError([each.uid for each in records], "refused")

    def _save(self, record: OrderRecord) -> Outcome:
        stored = self._records.get(record.uid)
        if stored and _later(stored, record):
            return Outcome.UNCHANGED
        if stored and stored.document.digest == record.document.digest:
            if record.renews:
                self._records[record.uid] = record
            return Outcome.UNCHANGED
        self._records[record.uid] = record
        self._stored_at[record.uid] = self.now
        return Outcome.REPLACED if stored else Outcome.CREATED

    def standings(self, uids: Sequence[str]) -> Mapping[str, Standing]:
        self._answer()
        found = [self._records[uid] for uid in uids if uid in self._records]
        return {
            each.uid: Standing(each.document.digest, each.source, self._stored_at[each.uid])
            for each in found
        }

    def lose(self, uid: str) -> None:
        """Forget an order, as a failover would."""
        del self._records[uid]

    def find(self, uid: str) -> Document | None:
        self.before_find()
        self.finds.append(uid)
        self._answer()
        record = self._records.get(uid)
        return None if record is None else record.document

    def find_many(self, uids: Sequence[str]) -> Mapping[str, Document | Absent]:
        return {uid: self.find(uid) or ABSENT for uid in uids}

    def newest(self, limit: int, page_size: int) -> Iterator[Sequence[tuple[str, Document]]]:
        self._answer()
        newest = [Document.of(order) for order in self._newest()[:limit]]
        uids = [order.order_uid for order in self._newest()[:limit]]
        pairs = list(zip(uids, newest, strict=True))
        for start in range(0, len(pairs), page_size):
            yield pairs[start : start + page_size]

    def search(
        self, wanted: OrderFilter, limit: int, after: Position | None
    ) -> Sequence[OrderSummary]:
        self._answer()
        found = [order for order in self._newest() if _admits(wanted, order)]
        if after:
            found = [order for order in found if _position(order) < after]
        return [_summary(order) for order in found[:limit]]

    def _newest(self) -> list[Order]:
        orders = [decode(record.document.body) for record in self._records.values()]
        return sorted(orders, key=_position, reverse=True)


def _later(stored: OrderRecord, record: OrderRecord) -> bool:
    """Whether the stored one stood behind the other in the same stream and partition."""
    mine, other = stored.source, record.source
    same = mine.stream is not None and _lane(mine) == _lane(other)
    return same and mine.offset >= other.offset


def _lane(source: Source) -> tuple[str | None, int]:
    return source.stream, source.partition


def _position(order: Order) -> Position:
    return Position(order.date_created, order.order_uid)


def _admits(wanted: OrderFilter, order: Order) -> bool:
    return (
        wanted.customer_id in {None, order.customer_id}
        and wanted.track_number in {None, order.track_number}
        and (wanted.created_from is None or order.date_created >= wanted.created_from)
        and (wanted.created_before is None or order.date_created < wanted.created_before)
    )


def _summary(order: Order) -> OrderSummary:
    return OrderSummary(
        order.order_uid,
        order.track_number,
        order.customer_id,
        order.delivery_service,
        order.date_created,
        order.payment.currency,
        order.payment.amount,
        len(order.items),
    )


class MemoryCache:
    """An :class:`ports.OrderCache` with the lifetimes of the real one, without jitter.

    Attributes:
        away: It takes nothing and knows nothing.
        after_get: Called once, after the next answer is known and before it is given.
    """

    def __init__(
        self,
        ttl: float = 300.0,
        negative_ttl: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.away = False
        self.after_get: Callable[[], object] | None = None
        self._ttl = ttl
        self._negative_ttl = negative_ttl
        self._clock = clock
        self._entries: dict[str, tuple[float, Document | Absent]] = {}
        self._stale: set[str] = set()

    def get(self, uid: str) -> Document | Absent | None:
        expires, entry = self._entries.get(uid, (0.0, None))
        after, self.after_get = self.after_get, None
        if after:
            after()
        return None if self.away or expires <= self._clock() else entry

    def get_many(self, uids: Sequence[str]) -> Mapping[str, Document | Absent]:
        return {uid: entry for uid in uids if (entry := self.get(uid)) is not None}

    def fill_found(self, found: Mapping[str, Document | Absent]) -> None:
        for uid, entry in found.items():
            self._add(uid, entry, self._negative_ttl if isinstance(entry, Absent) else self._ttl)

    def _add(self, uid: str, entry: Document | Absent, ttl: float) -> None:
        if not self.away and self.get(uid) is None:
            self._entries[uid] = (self._clock() + ttl, entry)

    def fill_many(self, documents: Collection[tuple[str, Document]]) -> bool:
        for uid, document in documents:
            self._add(uid, document, self._ttl)
        return not self.away

    def put_many(self, documents: Collection[tuple[str, Document]]) -> None:
        if self.away:
            self._stale.update(uid for uid, _ in documents)
            return
        for uid, document in documents:
            self._entries[uid] = (self._clock() + self._ttl, document)
        self.drop_stale()

    def forget_many(self, uids: Collection[str]) -> None:
        self._stale.update(uids)
        self.drop_stale()

    def drop_stale(self) -> None:
        if not self.away:
            for uid in self._stale:
                self._entries.pop(uid, None)
            self._stale.clear()


class MemoryDeadLetters:
    """A :class:`messaging.ports.DeadLetters`.

    Attributes:
        away: Every call raises DeadLettersUnavailableError.
        published: What was acknowledged, in order.
    """

    def __init__(self) -> None:
        self.away = False
        self.published: list[DeadLetter] = []

    def publish(self, letters: Sequence[DeadLetter]) -> None:
        if self.away:
            raise DeadLettersUnavailableError("away")
        self.published += letters


class Once:
    """A retry without patience: what fails transiently goes to the caller at once."""

    def call(self, attempt: Callable[[], T]) -> T:
        return attempt()


class Told:
    """An observer of ingest and lookup that remembers what it was told."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.reasons: list[str] = []
        self.overtaken = 0
        self.levels: list[Level] = []
        self.progress: list[tuple[int, int]] = []

    def stored(self, outcomes: Mapping[str, Outcome]) -> None:
        self.outcomes += outcomes.values()

    def rejected(self, letters: Sequence[DeadLetter]) -> None:
        self.reasons += [letter.reason for letter in letters]

    def superseded(self, count: int) -> None:
        self.overtaken += count

    def looked_up(self, level: Level) -> None:
        self.levels.append(level)

    @property
    def in_loop(self) -> Mapping[Level, Callable[[], None]]:
        return {level: partial(self.looked_up, level) for level in Level}

    def warmed(self, done: int, total: int) -> None:
        self.progress.append((done, total))


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
