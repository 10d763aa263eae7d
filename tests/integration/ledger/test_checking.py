"""The check finds every balance that is not what its entries say, and nothing else."""

import uuid

from order_service.ledger.checking import check_balances
from order_service.ledger.model import OUTSIDE, Balance, Difference
from order_service.ledger.postings import PostgresLedger
from tests.ledgers import AVAILABLE, Connection, Schema, credit, debit, run_of


def check(connection: Connection, schema: Schema, step: int) -> tuple[int, list[Difference]]:
    steps = list(check_balances(run_of(connection), schema.name, step))
    found = [difference for each in steps for difference in each.differences]
    return sum(each.owners for each in steps), found


def test_an_untouched_ledger_differs_in_nothing(
    ledger: PostgresLedger, schema: Schema, connection: Connection
) -> None:
    assert check(connection, schema, 10) == (0, [])
    for _ in range(7):
        owner = uuid.uuid4()
        ledger.post(run_of(connection), credit(owner, 10))
        ledger.post(run_of(connection), debit(owner, 3))
    for step in (1, 3, 7, 100):
        assert check(connection, schema, step) == (7, [])


def test_every_way_to_be_wrong_is_found(
    ledger: PostgresLedger, schema: Schema, connection: Connection
) -> None:
    owners = sorted(uuid.uuid4() for _ in range(4))
    for owner in owners:
        ledger.post(run_of(connection), credit(owner, 10))
    more, lost, invented, missing = owners
    for statement, owner in (
        ("UPDATE {}.balances SET credited = 11 WHERE account = 'available'", more),
        ("DELETE FROM {}.balances WHERE account = 'available'", lost),
        ("UPDATE {}.balances SET credited = 1, debited = 11 WHERE debited > 0", invented),
        ("DELETE FROM {}.entries WHERE true", missing),
    ):
        schema.execute(statement + " AND owner = %s", owner)
    ten, nothing, out = Balance(10, 0), Balance(0, 0), Balance(0, 10)
    owners_seen, found = check(connection, schema, 2)
    assert owners_seen == 4
    assert found == [
        Difference(more, AVAILABLE, Balance(11, 0), ten),
        Difference(lost, AVAILABLE, None, ten),
        # The balance is the same, but its sums are not.
        Difference(invented, OUTSIDE, Balance(1, 11), out),
        Difference(missing, AVAILABLE, ten, nothing),
        Difference(missing, OUTSIDE, out, nothing),
    ]
