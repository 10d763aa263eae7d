"""The inbox without servers: copies, poison, conflicts, and what is tried again."""

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

import psycopg
import pytest

from order_service.infra.postgres.database import Transaction
from order_service.infra.postgres.faults import UnavailableError
from order_service.messaging.errors import DeadLettersUnavailableError
from order_service.messaging.inbox import (
    Committed,
    InboxHandler,
    IncomingMessage,
    Rejections,
    Storage,
)
from order_service.messaging.metrics import InboxMetrics
from order_service.metrics import Registry
from tests.builders import Message
from tests.fakes import Clock, MemoryDeadLetters
from tests.unit.messaging_fakes import (
    Again,
    Counting,
    Effect,
    InboxTold,
    MemoryInbox,
    MemoryState,
    MemoryTransactions,
    pending,
)

T = TypeVar("T")


class Refusing(Counting):
    """The database refuses one number."""

    def apply(self, transaction: object, message: object, content: int) -> None:
        super().apply(transaction, message, content)  # type: ignore[arg-type]
        if content == 666:
            raise psycopg.errors.NumericValueOutOfRange


class Bench:
    """A handler on a database in memory."""

    def __init__(self) -> None:
        self.database, self.inbox = MemoryTransactions(), MemoryInbox()
        self.letters, self.told, self.clock = MemoryDeadLetters(), InboxTold(), Clock()
        self.handler = self.handler_of(Refusing())

    def handler_of(self, effects: Counting) -> InboxHandler[int]:
        return InboxHandler(
            effects,
            Storage(self.database, self.inbox, Again(UnavailableError)),
            Rejections(self.letters, Again()),
            self.told,
            self.clock,
        )

    def store(self, *records: Message) -> None:
        self.handler.store(self.handler.prepare(records, None))

    @property
    def numbers(self) -> list[int]:
        return [effect.number for effect in self.database.state.effects]

    @property
    def reasons(self) -> list[str]:
        return [letter.reason for letter in self.letters.published]


def record(id_: int, value: bytes | None = None, key: bytes = b"key") -> Message:
    headers = [(name, text.encode()) for name, text in pending(id_).headers.items()]
    body = b"%d" % id_ if value is None else value
    return Message(body, id_, key=key, headers=headers)


def records(ids: Sequence[int]) -> list[Message]:
    return [record(id_) for id_ in ids]


def test_each_message_has_its_effect_once() -> None:
    bench = Bench()
    bench.store(*records([1, 2, 2]))
    bench.store(*records([2, 3]))
    assert bench.numbers == [1, 2, 3]
    assert bench.told.counted == {"handled": 3, "duplicates": 2, "rejected": 0}


def test_keys_are_handled_in_one_order_and_messages_of_a_key_in_theirs() -> None:
    bench = Bench()
    bench.store(record(1, key=b"b"), record(2, key=b"a"), record(3, key=b"b"), record(4, key=b"a"))
    assert bench.database.state.effects == [
        Effect(b"a", 2),
        Effect(b"a", 4),
        Effect(b"b", 1),
        Effect(b"b", 3),
    ]


def test_poison_is_rejected_alone_whoever_finds_it() -> None:
    bench = Bench()
    without = Message(b"4", 4)
    bench.store(record(1), record(2, b"x"), record(3, b"-1"), without, record(5, b"666"), record(6))
    assert bench.numbers == [1, 6]
    assert sorted(bench.reasons) == [
        "invalid_envelope",
        "negative",
        "no_number",
        "refused_by_storage",
    ]
    assert bench.told.counted == {"handled": 2, "duplicates": 0, "rejected": 4}


def test_a_rejected_message_may_come_again_and_then_has_its_effect() -> None:
    bench = Bench()
    bench.store(record(1, b"-1"))
    bench.store(record(1, b"1"))
    assert bench.numbers == [1]


def test_a_dead_letter_tells_no_value_of_the_message() -> None:
    bench = Bench()
    bench.store(record(1, b"666"))
    assert bench.letters.published[0].faults == {"_message": ["SQLSTATE 22003"]}


def test_a_conflict_or_a_lost_answer_is_tried_again_and_has_one_effect() -> None:
    bench = Bench()
    bench.database.conflicts = 2
    bench.store(*records([1, 2]))
    bench.database.lose_answer = True
    bench.store(*records([3]))
    assert bench.numbers == [1, 2, 3]


def test_dead_letters_that_are_not_acknowledged_fail_the_batch() -> None:
    bench = Bench()
    bench.letters.away = True
    with pytest.raises(DeadLettersUnavailableError):
        bench.store(record(1, b"x"))
    assert bench.told.counted["rejected"] == 0


class BrokenError(Exception):
    """A fault of the program."""


@pytest.mark.parametrize(
    "fault",
    [BrokenError, psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege],
)
def test_a_fault_of_the_program_or_of_its_installation_makes_no_dead_letter(
    fault: type[Exception],
) -> None:
    class Broken(Counting):
        def apply(self, transaction: object, message: object, content: int) -> None:
            del transaction, message, content
            raise fault

    bench = Bench()
    bench.handler = bench.handler_of(Broken())
    with pytest.raises(fault):
        bench.store(record(1))
    assert bench.reasons == []


class Together(Counting):
    """Effects that are had together, and counted once they are committed."""

    def __init__(self) -> None:
        self.tried = self.committed = 0

    def apply_all(
        self, transaction: Transaction, messages: Sequence[tuple[IncomingMessage, int]]
    ) -> Committed:
        self.tried += 1
        for message, content in messages:
            self.apply(transaction, message, content)
        return lambda: self._committed(len(messages))

    def _committed(self, messages: int) -> None:
        self.committed += messages


def test_what_is_counted_is_what_was_committed() -> None:
    bench, effects = Bench(), Together()
    bench.handler = bench.handler_of(effects)
    bench.database.conflicts = 1  # and then one by one
    bench.store(*records([1, 2]))
    assert bench.numbers == [1, 2]
    assert (effects.tried, effects.committed) == (3, 2)


def test_the_inbox_is_pruned_now_and_then_whether_busy_or_idle() -> None:
    bench = Bench()
    bench.handler.idle()
    bench.handler.idle()
    bench.store(record(1))
    assert bench.inbox.prunings == 1
    bench.clock.now += 61
    bench.store(record(2))
    assert bench.inbox.prunings == 2


def test_metrics_tell_what_became_of_messages() -> None:
    registry = Registry()
    metrics = InboxMetrics(registry, "payments")
    metrics.handled(5)
    metrics.duplicates(2)
    metrics.rejected(1)
    name, labels = "order_service_inbox_messages_total", {"context": "payments"}
    assert [
        registry.get_sample_value(name, labels | {"result": result})
        for result in ("handled", "duplicate", "dead_letter")
    ] == [5, 2, 1]


class SlowTransactions(MemoryTransactions):
    """A database that manages only so many effects in the time that a transaction has.

    Attributes:
        most: So many.
        tried: The effects of each transaction that was tried.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.tried: list[int] = []

    def run(self, name: str, work: Callable[[Transaction], T]) -> T:
        before = len(self.state.effects)

        def limited(transaction: Transaction) -> T:
            result = work(transaction)
            self.tried.append(len(cast("MemoryState", transaction).effects) - before)
            if self.tried[-1] > self.most:
                raise UnavailableError("too slow")
            return result

        return super().run(name, limited)


def slow_bench(most: int) -> tuple[Bench, SlowTransactions]:
    bench, database = Bench(), SlowTransactions(most)
    bench.database = database
    bench.handler = InboxHandler(
        Refusing(),
        Storage(database, bench.inbox, Again(UnavailableError)),
        Rejections(bench.letters, Again()),
        bench.told,
        bench.clock,
    )
    return bench, database


def test_a_batch_that_takes_too_long_is_halved_until_its_parts_do_not() -> None:
    bench, database = slow_bench(3)
    bench.store(*records(range(1, 11)))
    assert database.tried == [10, 5, 2, 2, 2, 2, 2]
    assert bench.numbers == list(range(1, 11))
    assert bench.told.counted == {"handled": 10, "duplicates": 0, "rejected": 0}


def test_after_that_batches_grow_again_as_long_as_it_goes_well() -> None:
    bench, database = slow_bench(3)
    bench.store(*records(range(1, 5)))
    database.most = 100
    for first in (10, 20, 30):
        database.tried.clear()
        bench.store(*records(range(first, first + 8)))
    assert database.tried == [8]
    assert len(bench.numbers) == 28


def test_a_poisoned_message_of_a_slow_batch_is_rejected_alone() -> None:
    bench, _ = slow_bench(3)
    bench.store(*records(range(1, 7)), record(7, b"-1"), *records(range(8, 10)), record(10, b"666"))
    assert bench.numbers == [1, 2, 3, 4, 5, 6, 8, 9]
    assert sorted(bench.reasons) == ["negative", "refused_by_storage"]
    assert bench.told.counted == {"handled": 8, "duplicates": 0, "rejected": 2}


def test_a_single_message_is_tried_until_there_is_time_for_it() -> None:
    bench, database = slow_bench(0)

    def recovers(value: int) -> None:
        if value == 5:
            database.most = 1

    bench.handler = InboxHandler(
        Refusing(),
        Storage(database, bench.inbox, Retries(lambda: recovers(len(database.tried)))),
        Rejections(bench.letters, Again()),
        bench.told,
        bench.clock,
    )
    bench.store(*records([1, 2]))
    assert database.tried == [2, 1, 1, 1, 1, 1, 1]
    assert bench.numbers == [1, 2]


class Retries:
    """Tries again, and tells `failed` each time."""

    def __init__(self, failed: Callable[[], None]) -> None:
        self._failed = failed

    def call(self, attempt: Callable[[], T]) -> T:
        while True:
            try:
                return attempt()
            except UnavailableError:
                self._failed()
