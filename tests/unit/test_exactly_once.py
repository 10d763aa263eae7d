"""Outbox, relays, a topic and an inbox against a model, whatever fails when.

The model is what was committed: the numbers of each key, in their order. Relays crash, freeze and
lose their leases, publications arrive late or twice, consumers read again from before; still each
number has its effect once, and in its order.
"""

import contextlib
from collections import defaultdict

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from order_service.infra.postgres.faults import UnavailableError
from order_service.messaging.inbox import InboxHandler, Rejections, Storage
from order_service.messaging.outbox import SHARDS
from order_service.messaging.outbox.ports import PendingMessage
from tests.builders import Message
from tests.fakes import MemoryDeadLetters
from tests.unit.messaging_fakes import (
    Again,
    Counting,
    CrashError,
    Fault,
    InboxTold,
    MemoryInbox,
    MemoryOutbox,
    MemoryTransactions,
    Wire,
    pending,
    relay_on,
)

KEYS = st.sampled_from([b"a", b"b", b"c", b"d"])
LARGE = 100_000
"""Bytes that the topic refuses until its limit is raised."""


def delivered(row: PendingMessage, offset: int) -> Message:
    headers = [(name, text.encode()) for name, text in row.headers.items()]
    return Message((row.value or b"").strip(), offset, key=row.key, headers=headers)


class ExactlyOnce(RuleBasedStateMachine):
    """Two relays, one topic with one partition, one consumer."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox = MemoryOutbox()
        self.wire = Wire()
        self.wire.largest = LARGE - 1
        self.relay = relay_on(self.wire)
        self.committed: dict[bytes, list[int]] = defaultdict(list)
        self.open: dict[bytes, list[PendingMessage]] = {}
        self.next_id = 1
        self.read = 0
        self.database = MemoryTransactions()
        self.told = InboxTold()
        self.handler = InboxHandler(
            Counting(),
            Storage(self.database, MemoryInbox(), Again(UnavailableError)),
            Rejections(MemoryDeadLetters(), Again()),
            self.told,
        )

    @initialize(split=st.integers(0, SHARDS))
    def begin(self, split: int) -> None:
        self.shards = [range(split), range(split, SHARDS)]
        self.leases = [self.outbox.take_over(shards) for shards in self.shards]

    @rule(key=KEYS, large=st.sampled_from([False, False, False, True]))
    def add(self, key: bytes, *, large: bool) -> None:
        """Add a message in the open transaction of its key; the key is locked by it."""
        number = len(self.committed[key]) + len(self.open.get(key, []))
        body = b"%d" % number
        row = pending(self.next_id, key, body.ljust(LARGE) if large else body)
        self.open.setdefault(key, []).append(row)
        self.next_id += 1

    @rule(key=KEYS)
    def commit(self, key: bytes) -> None:
        for row in self.open.pop(key, []):
            self.outbox.rows[row.id] = row
            self.committed[key].append(int(row.value or b""))

    @rule(key=KEYS)
    def roll_back(self, key: bytes) -> None:
        self.open.pop(key, None)

    @rule(which=st.integers(0, 1), fault=st.sampled_from(Fault), part=st.integers(0, 5))
    def relay_batch(self, which: int, fault: Fault, part: int) -> None:
        """One batch of a relay; one that crashed or froze has a successor."""
        self.wire.fault, self.wire.part = fault, part
        lease = self.leases[which]
        lease.crash_at_delete = fault is Fault.CRASH_AFTER
        try:
            self.relay.relay_batch(lease)
        except (CrashError, UnavailableError):
            self.lose_lease(which)
        lease.crash_at_delete = False
        self.wire.fault = Fault.NONE

    @rule(which=st.integers(0, 1))
    def lose_lease(self, which: int) -> None:
        self.leases[which] = self.outbox.take_over(self.shards[which])

    @precondition(lambda self: self.wire.late)
    @rule(which=st.integers(0, 10), part=st.integers(1, 5))
    def arrive_late(self, which: int, part: int) -> None:
        """What a frozen relay had begun to send goes on its way."""
        late = self.wire.late[which % len(self.wire.late)]
        self.wire.arrived += late[:part]
        del late[:part]

    @rule()
    def try_blocked_again(self) -> None:
        self.outbox.blocked.clear()

    @rule()
    def raise_limit(self) -> None:
        self.wire.largest = LARGE

    @rule(most=st.integers(1, 20), commits=st.booleans(), lost=st.booleans())
    def consume(self, most: int, *, commits: bool, lost: bool) -> None:
        """Handle a batch; the commit of its offset may fail."""
        records = self.wire.arrived[self.read : self.read + most]
        self.database.lose_answer = lost and bool(records)
        batch = [delivered(row, self.read + index) for index, row in enumerate(records)]
        self.handler.store(self.handler.prepare(batch, None))
        self.database.lose_answer = False
        if commits:
            self.read += len(records)

    @rule(back=st.integers(1, 50))
    def read_again(self, back: int) -> None:
        self.read = max(0, self.read - back)

    @invariant()
    def first_copies_arrive_in_order(self) -> None:
        """No message comes first behind a later one of its key."""
        first: dict[bytes, list[int]] = defaultdict(list)
        for row in self.wire.arrived:
            number = int(row.value or b"")
            if number not in first[row.key]:
                first[row.key].append(number)
        for key, numbers in first.items():
            assert numbers == self.committed[key][: len(numbers)]

    @invariant()
    def effects_are_had_once_and_in_order(self) -> None:
        for key, numbers in self.effects().items():
            assert numbers == self.committed[key][: len(numbers)]

    def effects(self) -> dict[bytes, list[int]]:
        had: dict[bytes, list[int]] = defaultdict(list)
        for effect in self.database.state.effects:
            had[effect.key].append(effect.number)
        return had

    def teardown(self) -> None:
        """In the end all is well again, and nothing is left behind."""
        self.raise_limit()
        while self.outbox.rows:
            self.outbox.blocked.clear()
            for which in (0, 1):
                with contextlib.suppress(UnavailableError):
                    self.relay.relay_batch(self.leases[which])
        for late in self.wire.late:
            self.wire.arrived += late
        while self.read < len(self.wire.arrived):
            self.consume(most=7, commits=True, lost=False)
        had = self.effects()
        assert {key: numbers for key, numbers in self.committed.items() if numbers} == had
        assert self.told.counted["rejected"] == 0


TestExactlyOnce = ExactlyOnce.TestCase
TestExactlyOnce.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
