"""The ledger does what a dictionary would do, whatever is asked of it in whatever order."""

import uuid
from collections import Counter
from collections.abc import Mapping
from typing import Any

import psycopg
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from order_service.ledger.checking import check_balances
from order_service.ledger.errors import (
    AlreadyReversedError,
    DuplicateTransferError,
    InsufficientError,
    KeyReusedError,
)
from order_service.ledger.idempotency import Idempotency
from order_service.ledger.model import OUTSIDE, KeyedCommand, Leg, Transfer
from order_service.ledger.postings import PostgresLedger
from tests.backends import Environ, connect
from tests.ledgers import AVAILABLE, SPENT, Connection, create_ledger, run_of, transaction

OWNERS = [uuid.UUID(int=number) for number in (1, 2, 2**127)]
ACCOUNTS = [OUTSIDE, AVAILABLE, SPENT]
AMOUNTS = st.integers(1, 50) | st.just(2**62)

legs = st.lists(
    st.tuples(st.sampled_from(OWNERS), st.permutations(ACCOUNTS), AMOUNTS).map(
        lambda parts: Leg(parts[0], parts[1][0], parts[1][1], parts[2])
    ),
    min_size=1,
    max_size=3,
)


class Model:
    """Balances in a dictionary; amounts are small enough that 64 bits never overflow."""

    def __init__(self) -> None:
        self.balances = Counter[tuple[uuid.UUID, str]]()
        self.posted: dict[uuid.UUID, list[Leg]] = {}
        self.reversed: set[uuid.UUID] = set()

    def covers(self, moved: list[Leg]) -> bool:
        after = self.after(moved)
        touched = {(leg.owner, account) for leg in moved for account in (leg.source, leg.target)}
        return all(after[key] >= 0 for key in touched if key[1] != OUTSIDE)

    def after(self, moved: list[Leg]) -> Counter[tuple[uuid.UUID, str]]:
        after = self.balances.copy()
        for owner, source, target, amount in moved:
            after[owner, source] -= amount
            after[owner, target] += amount
        return after

    def take(self, transfer: uuid.UUID, moved: list[Leg]) -> None:
        self.balances = self.after(moved)
        self.posted[transfer] = moved


class LedgerMachine(RuleBasedStateMachine):
    connection: Connection
    admin: Connection
    role: str

    transfers = Bundle("transfers")
    answered = Bundle("answered")

    def __init__(self) -> None:
        super().__init__()
        self.schema = create_ledger(self.admin, self.role).name
        self.ledger = PostgresLedger(self.schema)
        self.idempotency = Idempotency(self.schema)
        self.run = run_of(self.connection)
        self.model = Model()
        self.total = 0

    def teardown(self) -> None:
        self.admin.execute(f"DROP SCHEMA {self.schema} CASCADE")

    @rule(target=transfers, moved=legs)
    def post(self, moved: list[Leg]) -> Any:  # noqa: ANN401 - hypothesis says what it may be
        transfer = uuid.uuid4()
        if self._would_overflow(moved):
            return multiple()
        if not self.model.covers(moved):
            with pytest.raises(InsufficientError):
                self.ledger.post(self.run, Transfer(transfer, "any", moved))
            return multiple()
        self.ledger.post(self.run, Transfer(transfer, "any", moved))
        self.model.take(transfer, moved)
        return transfer

    def _would_overflow(self, moved: list[Leg]) -> bool:
        """The totals of an account have a bound; it has a test of its own."""
        self.total += sum(leg.amount for leg in moved)
        over = self.total >= 2**63
        if over:
            self.total -= sum(leg.amount for leg in moved)
        return over

    @rule(transfer=transfers)
    def post_again(self, transfer: uuid.UUID) -> None:
        moved = self.model.posted[transfer]
        expected = DuplicateTransferError if self.model.covers(moved) else InsufficientError
        if not self._would_overflow(moved):
            with pytest.raises(expected):
                self.ledger.post(self.run, Transfer(transfer, "any", moved))

    @rule(transfer=transfers)
    def reverse(self, transfer: uuid.UUID) -> None:
        moved = self.model.posted[transfer]
        back = [Leg(owner, target, source, amount) for owner, source, target, amount in moved]
        owners = sorted({leg.owner for leg in moved})
        if self._would_overflow(back):
            return
        if transfer in self.model.reversed:
            with pytest.raises(AlreadyReversedError):
                self.ledger.reverse(self.run, transfer, owners, uuid.uuid4())
        elif not self.model.covers(back):
            with pytest.raises(InsufficientError):
                self.ledger.reverse(self.run, transfer, owners, uuid.uuid4())
        else:
            self.ledger.reverse(self.run, transfer, owners, uuid.uuid4())
            self.model.reversed.add(transfer)
            self.model.balances = self.model.after(back)

    @rule(target=answered, owner=st.sampled_from(OWNERS), amount=st.integers(1, 50))
    def command(self, owner: uuid.UUID, amount: int) -> KeyedCommand:
        asked = KeyedCommand(owner, uuid.uuid4().hex, b"%d" % amount)
        self._ask(asked, amount)
        moved = [Leg(owner, OUTSIDE, AVAILABLE, amount)]
        self.model.balances = self.model.after(moved)
        self.total += amount
        return asked

    def _ask(self, asked: KeyedCommand, amount: int) -> bytes:
        with transaction(self.connection) as run:

            def effect() -> bytes:
                moved = [Leg(asked.owner, OUTSIDE, AVAILABLE, amount)]
                self.ledger.post(run, Transfer(uuid.uuid4(), "command", moved))
                return asked.content

            return self.idempotency.answer(run, asked, effect)

    @rule(asked=answered)
    def command_again(self, asked: KeyedCommand) -> None:
        assert self._ask(asked, 1) == asked.content

    @rule(asked=consumes(answered))
    def command_with_other_content(self, asked: KeyedCommand) -> None:
        with pytest.raises(KeyReusedError):
            self._ask(asked._replace(content=asked.content + b"0"), 1)

    @invariant()
    def balances_are_those_of_the_model(self) -> None:
        assert self._kept() == {
            key: amount for key, amount in self.model.balances.items() if amount
        }
        assert sum(self._kept().values()) == 0

    def _kept(self) -> Mapping[tuple[uuid.UUID, str], int]:
        kept = {
            (owner, account): balance.amount
            for owner in OWNERS
            for account, balance in self.ledger.balances(self.run, owner).items()
        }
        return {key: amount for key, amount in kept.items() if amount}

    @invariant()
    def the_check_finds_nothing(self) -> None:
        found = [step.differences for step in check_balances(self.run, self.schema, 2)]
        assert not any(found)


@pytest.mark.timeout(300)
def test_the_ledger_does_what_its_model_does(
    shared_database: Environ, admin: psycopg.Connection[Any]
) -> None:
    with connect(shared_database, admin=False) as connection:

        class Machine(LedgerMachine):
            pass

        Machine.connection = connection
        Machine.admin = admin
        Machine.role = shared_database["POSTGRES_USER"]
        run_state_machine_as_test(
            Machine, settings=settings(max_examples=25, stateful_step_count=30)
        )
