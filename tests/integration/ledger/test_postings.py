"""Transfers in a real Postgres: all or nothing, never below zero, once, and never undone."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any, LiteralString

import pytest
from psycopg import errors

from order_service.ledger.errors import (
    AlreadyReversedError,
    DuplicateTransferError,
    InsufficientError,
    LimitError,
    UnknownTransferError,
)
from order_service.ledger.model import MAX_TOTAL, OUTSIDE, Balance, Leg, Transfer
from order_service.ledger.postings import PostgresLedger
from order_service.ledger.statements import ddl
from tests.integration.ledger.conftest import Connect
from tests.ledgers import (
    AVAILABLE,
    SPENT,
    Connection,
    Schema,
    credit,
    debit,
    move,
    run_of,
    transaction,
)

ME = uuid.uuid4()

_ENTRY = (
    "INSERT INTO {}.entries (owner, transfer, leg, kind, source, target, amount,"
    " source_balance, target_balance, target_credited)"
    " VALUES (gen_random_uuid(), gen_random_uuid(), 1, 'odd', "
)


def entries_of(ledger: PostgresLedger, connection: Connection, owner: uuid.UUID = ME) -> list[Any]:
    return list(ledger.entries(run_of(connection), owner, limit=100))


def test_a_transfer_leaves_balances_and_an_entry(
    ledger: PostgresLedger, connection: Connection
) -> None:
    run = run_of(connection)
    assert ledger.post(run, credit(ME, 72998)) == {
        (ME, OUTSIDE): Balance(0, 72998),
        (ME, AVAILABLE): Balance(72998, 0),
    }
    ledger.post(run, debit(ME, 998))
    assert ledger.balances(run, ME) == {
        OUTSIDE: Balance(0, 72998),
        AVAILABLE: Balance(72998, 998),
        SPENT: Balance(998, 0),
    }
    newest, oldest = entries_of(ledger, connection)
    assert (oldest.source, oldest.target, oldest.amount) == (OUTSIDE, AVAILABLE, 72998)
    assert (newest.source_balance, newest.target_balance) == (72000, 998)
    assert ledger.entries(run, ME, limit=1, before=newest.id) == [oldest]


def test_what_is_not_there_cannot_be_taken_and_the_transaction_goes_on(
    ledger: PostgresLedger, connection: Connection
) -> None:
    with transaction(connection) as run:
        ledger.post(run, credit(ME, 100))
        with pytest.raises(InsufficientError):
            ledger.post(run, debit(ME, 101))
        ledger.post(run, debit(ME, 100))
    assert ledger.balances(run_of(connection), ME)[AVAILABLE].amount == 0
    assert len(entries_of(ledger, connection)) == 2


def test_a_transfer_of_several_legs_takes_effect_whole_or_not_at_all(
    ledger: PostgresLedger, connection: Connection
) -> None:
    giver, taker = uuid.uuid4(), uuid.uuid4()
    run = run_of(connection)
    ledger.post(run, credit(giver, 50))
    with pytest.raises(InsufficientError):
        ledger.post(run, move(giver, taker, 51, uuid.uuid4()))
    assert ledger.balances(run, taker)[AVAILABLE].amount == 0
    assert not entries_of(ledger, connection, taker)
    ledger.post(run, move(giver, taker, 50, uuid.uuid4()))
    assert ledger.balances(run, giver)[AVAILABLE].amount == 0
    assert ledger.balances(run, taker)[AVAILABLE].amount == 50


def test_legs_that_cancel_out_on_an_account_are_judged_by_their_sum(
    ledger: PostgresLedger, connection: Connection
) -> None:
    legs = [Leg(ME, AVAILABLE, SPENT, 30), Leg(ME, OUTSIDE, AVAILABLE, 30)]
    ledger.post(run_of(connection), Transfer(uuid.uuid4(), "both", legs))
    assert ledger.balances(run_of(connection), ME)[AVAILABLE] == Balance(30, 30)
    assert [entry.amount for entry in entries_of(ledger, connection)] == [30, 30]


def test_several_transfers_are_posted_together_or_not_at_all(
    ledger: PostgresLedger, connection: Connection
) -> None:
    run, others = run_of(connection), uuid.uuid4()
    with pytest.raises(InsufficientError):
        ledger.post_all(run, [credit(ME, 5), debit(others, 1)])
    assert not entries_of(ledger, connection)
    # Together they are covered, although the first alone would not be.
    balances = ledger.post_all(run, [debit(ME, 4), credit(ME, 5), credit(others, 2)])
    assert balances[ME, AVAILABLE] == Balance(5, 4)
    assert ledger.balances(run, others)[AVAILABLE].amount == 2
    assert [entry.kind for entry in entries_of(ledger, connection)] == ["credit", "debit"]


def test_an_id_is_posted_once(ledger: PostgresLedger, connection: Connection) -> None:
    transfer = credit(ME, 5)
    ledger.post(run_of(connection), transfer)
    with pytest.raises(DuplicateTransferError):
        ledger.post(run_of(connection), transfer)
    assert ledger.balances(run_of(connection), ME)[AVAILABLE].amount == 5


def test_a_transfer_is_taken_back_once(ledger: PostgresLedger, connection: Connection) -> None:
    run = run_of(connection)
    giver, taker, original = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    ledger.post(run, credit(giver, 7))
    ledger.post(run, move(giver, taker, 7, original))
    ledger.reverse(run, original, [giver, taker], uuid.uuid4())
    assert ledger.balances(run, giver)[AVAILABLE].amount == 7
    assert ledger.balances(run, taker)[AVAILABLE].amount == 0
    assert entries_of(ledger, connection, taker)[0].reverses == original
    ledger.post(run, credit(taker, 7))
    with pytest.raises(AlreadyReversedError):
        ledger.reverse(run, original, [giver, taker], uuid.uuid4())
    with pytest.raises(UnknownTransferError):
        ledger.reverse(run, uuid.uuid4(), [giver, taker], uuid.uuid4())


def test_what_was_spent_since_cannot_be_taken_back(
    ledger: PostgresLedger, connection: Connection
) -> None:
    run, given = run_of(connection), credit(ME, 9)
    ledger.post(run, given)
    ledger.post(run, debit(ME, 1))
    with pytest.raises(InsufficientError):
        ledger.reverse(run, given.id, [ME], uuid.uuid4())
    assert ledger.balances(run, ME)[AVAILABLE].amount == 8


def test_no_sum_ever_overflows(ledger: PostgresLedger, connection: Connection) -> None:
    run = run_of(connection)
    ledger.post(run, credit(ME, MAX_TOTAL))
    with pytest.raises(LimitError):
        ledger.post(run, credit(ME, 1))
    with pytest.raises(LimitError):
        ledger.post(run, credit(uuid.uuid4(), MAX_TOTAL)._replace(legs=_two_of(MAX_TOTAL)))
    assert ledger.balances(run, ME)[AVAILABLE].amount == MAX_TOTAL


def _two_of(amount: int) -> list[Leg]:
    return [Leg(ME, OUTSIDE, "a", amount), Leg(ME, OUTSIDE, "b", amount)]


@pytest.mark.parametrize(
    "legs", [[], [Leg(ME, "a", "b", 0)], [Leg(ME, "a", "b", -1)], [Leg(ME, "a", "a", 1)]]
)
def test_legs_that_move_nothing_are_refused(
    ledger: PostgresLedger, connection: Connection, legs: list[Leg]
) -> None:
    with pytest.raises(ValueError, match="above zero"):
        ledger.post(run_of(connection), Transfer(uuid.uuid4(), "odd", legs))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {}.entries SET amount = 1",
        "DELETE FROM {}.entries",
        "TRUNCATE {}.entries",
        "DELETE FROM {}.balances",
    ],
)
def test_the_service_can_change_no_entry_and_drop_no_balance(
    schema: Schema, connection: Connection, statement: LiteralString
) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        schema.execute(statement, connection=connection)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {}.balances SET debited = credited + 1 WHERE account = 'available'",
        _ENTRY + "'a', 'b', -1, 0, 0, 0)",
        _ENTRY + "'a', 'a', 1, 0, 0, 0)",
    ],
)
def test_the_database_itself_refuses_what_no_ledger_may_hold(
    ledger: PostgresLedger, schema: Schema, connection: Connection, statement: LiteralString
) -> None:
    ledger.post(run_of(connection), credit(ME, 5))
    with pytest.raises(errors.CheckViolation):
        schema.execute(statement)


def test_writers_of_one_account_at_once_lose_nothing_and_overdraw_nothing(
    ledger: PostgresLedger, new_connection: Connect
) -> None:
    ledger.post(run_of(new_connection()), credit(ME, 100))

    def spend(connection: Connection) -> int:
        spent = 0
        for _ in range(50):
            try:
                ledger.post(run_of(connection), debit(ME, 1))
                spent += 1
            except InsufficientError:
                ledger.post(run_of(connection), credit(ME, 1))
        return spent

    connections = [new_connection() for _ in range(6)]
    with ThreadPoolExecutor(len(connections)) as threads:
        spent = sum(threads.map(spend, connections))
    balances = ledger.balances(run_of(connections[0]), ME)
    assert balances[SPENT].amount == spent
    assert balances[AVAILABLE] == Balance(100 + 300 - spent, spent)


def test_transfers_across_owners_at_once_meet_no_deadlock(
    ledger: PostgresLedger, new_connection: Connect
) -> None:
    owners = [uuid.uuid4() for _ in range(4)]
    for owner in owners:
        ledger.post(run_of(new_connection()), credit(owner, 1000))

    def move_around(seed: int, connection: Connection) -> None:
        random = Random(seed)  # noqa: S311 - repeatable on purpose
        for _ in range(60):
            giver, taker = random.sample(owners, 2)
            ledger.post(run_of(connection), move(giver, taker, 3, uuid.uuid4()))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(move_around, range(4), [new_connection() for _ in range(4)]))
    run = run_of(new_connection())
    assert sum(ledger.balances(run, owner)[AVAILABLE].amount for owner in owners) == 4000


def test_a_new_account_that_two_open_at_once_gets_both_transfers(
    ledger: PostgresLedger, new_connection: Connect
) -> None:
    connections = [new_connection() for _ in range(4)]
    owners = [uuid.uuid4() for _ in range(20)]

    def credit_all(connection: Connection) -> None:
        for owner in owners:
            ledger.post(run_of(connection), credit(owner, 1))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(credit_all, connections))
    run = run_of(connections[0])
    assert {ledger.balances(run, owner)[AVAILABLE].amount for owner in owners} == {4}


def test_a_schema_with_another_kind_of_name_is_refused() -> None:
    for name in ("", "Loyalty", "a.b", 'a"; DROP SCHEMA orders; --', "a" * 64):
        with pytest.raises(ValueError, match="no name of a schema"):
            PostgresLedger(name)


def test_the_tables_can_be_created_again(
    ledger: PostgresLedger, schema: Schema, connection: Connection
) -> None:
    ledger.post(run_of(connection), credit(ME, 5))
    schema.admin.execute(ddl(schema.name))
    assert ledger.balances(run_of(connection), ME)[AVAILABLE].amount == 5
