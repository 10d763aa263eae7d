"""What took effect is answered as such, although the connection broke before Postgres said so."""

import uuid

import pytest

from order_service.contexts.loyalty.errors import NotEnoughPointsError
from order_service.contexts.loyalty.model import Kind, Movement
from order_service.contexts.loyalty.points_postgres import PostgresPoints
from order_service.infra.postgres.database import Database
from order_service.ledger.model import KeyedCommand
from tests.integration.loyalty.lossy import LossyDatabase

TAKING = [Kind.WITHDRAWAL, Kind.SPENDING, Kind.DEBIT]
NEWEST = 2**63 - 1


class Purse:
    """The points of somebody, behind a connection that breaks when it is told to."""

    def __init__(self, database: Database, lifetime: float) -> None:
        self.line = LossyDatabase(database)
        self.points = PostgresPoints(self.line.as_database(), lifetime)
        self.owner = uuid.uuid4()

    def earn(self, amount: int, spent_by: Kind) -> None:
        """Earn points and spend one of them, which opens the accounts."""
        self.move(Kind.CREDIT, amount + 1)
        self.move(spent_by, 1)

    def move(self, kind: Kind, amount: int, key: KeyedCommand | None = None) -> int:
        return self.points.move(Movement(uuid.uuid4(), self.owner, kind, amount, "18"), key)

    def move_unheard(self, kind: Kind, amount: int, key: KeyedCommand | None = None) -> int:
        self.line.loses = True
        return self.move(kind, amount, key)

    @property
    def movements(self) -> int:
        return len(self.points.history(self.owner, 99, NEWEST))


@pytest.fixture(params=[0.0, 1e8], ids=["for ever", "expiring"])
def purse(loyalty_database: Database, request: pytest.FixtureRequest) -> Purse:
    return Purse(loyalty_database, request.param)


@pytest.mark.parametrize("kind", TAKING)
def test_points_suffice_although_less_is_left_than_was_taken(purse: Purse, kind: Kind) -> None:
    purse.earn(10000, kind)
    assert purse.move_unheard(kind, 6000) == 4000
    assert purse.points.balance(purse.owner).current == 4000
    assert purse.movements == 3


@pytest.mark.parametrize("kind", TAKING)
def test_a_key_answers_the_same_before_and_after(purse: Purse, kind: Kind) -> None:
    purse.earn(10000, kind)
    key = KeyedCommand(purse.owner, "k", b"6000")
    assert [purse.move_unheard(kind, 6000, key), purse.move(kind, 6000, key)] == [4000, 4000]
    assert purse.movements == 3


def test_what_was_too_much_stays_too_much(purse: Purse) -> None:
    purse.move(Kind.CREDIT, 100)
    purse.line.loses = True
    with pytest.raises(NotEnoughPointsError):
        purse.move(Kind.WITHDRAWAL, 101)
    assert purse.movements == 1


def test_a_first_credit_is_booked_once(purse: Purse) -> None:
    assert purse.move_unheard(Kind.CREDIT, 100) == 100
    assert purse.movements == 1
