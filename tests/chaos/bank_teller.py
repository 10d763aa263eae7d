"""A process that moves points between accounts at random, and writes down what was acknowledged.

    python -m tests.chaos.bank_teller CONNINFO SCHEMA ACCOUNTS SEED JOURNAL

Every command has an idempotency key. One whose outcome is unknown is sent again until it is known;
now and then one that is done is sent again, too. A line of the journal is a key and its answer.
"""

import sys
import uuid
from contextlib import closing
from pathlib import Path
from random import Random
from typing import NamedTuple, TextIO

from order_service.infra.postgres.database import Database, Settings, Transaction
from order_service.infra.postgres.faults import UnavailableError
from order_service.ledger.errors import InsufficientError, StillRunningError
from order_service.ledger.idempotency import Idempotency
from order_service.ledger.model import OUTSIDE, KeyedCommand, Leg, Transfer
from order_service.ledger.postings import PostgresLedger

AVAILABLE = "available"
DONE, REFUSED = b"done", b"refused"


def owner_of(number: int) -> uuid.UUID:
    """The owner of one of the accounts."""
    return uuid.UUID(int=number + 1)


class Unobserved:
    """Fakes the observer of queries."""

    def queried(self, query: str, seconds: float, *, ok: bool) -> None:
        """Forget it."""


class Order(NamedTuple):
    """A command: from whom to whom, and how much."""

    key: str
    giver: uuid.UUID
    taker: uuid.UUID
    amount: int


class Teller:
    """Executes commands."""

    def __init__(self, database: Database, schema: str) -> None:
        self._database = database
        self._ledger = PostgresLedger(schema)
        self._idempotency = Idempotency(schema)

    def execute(self, order: Order) -> bytes:
        """Return the answer once it is known; again and again if need be."""
        while True:
            try:
                return self._database.run("move", lambda t: self._work(t, order))
            except (UnavailableError, StillRunningError):
                continue

    def _work(self, transaction: Transaction, order: Order) -> bytes:
        command = KeyedCommand(order.giver, order.key, repr(order).encode())

        def effect() -> bytes:
            legs = [
                Leg(order.giver, AVAILABLE, OUTSIDE, order.amount),
                Leg(order.taker, OUTSIDE, AVAILABLE, order.amount),
            ]
            transfer = Transfer(uuid.uuid4(), "move", legs, order.key)
            try:
                self._ledger.post(transaction.execute, transfer)
            except InsufficientError:
                return REFUSED
            return DONE

        return self._idempotency.answer(transaction.execute, command, effect)


def work(teller: Teller, accounts: int, random: Random, journal: TextIO) -> None:
    """Execute commands without end."""
    done: list[Order] = []
    while True:
        again = done and random.random() < 0.2
        order = random.choice(done) if again else new_order(accounts, random)
        answer = teller.execute(order)
        journal.write(f"{order.key} {answer.decode()}\n")
        journal.flush()
        done = [*done[-50:], order]


def new_order(accounts: int, random: Random) -> Order:
    giver, taker = random.sample(range(accounts), 2)
    return Order(uuid.uuid4().hex, owner_of(giver), owner_of(taker), random.randrange(1, 400))


def main(conninfo: str, schema: str, accounts: str, seed: str, journal: str) -> None:
    settings = Settings(conninfo, 1, 1, checkout_timeout=1.0, call_timeout=5.0)
    with closing(Database(settings, Unobserved())) as database:
        database.open()
        random = Random(int(seed))  # noqa: S311 - repeatable on purpose
        with Path(journal).open("a", encoding="ascii") as file:
            work(Teller(database, schema), int(accounts), random, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
