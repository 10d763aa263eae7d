"""A ledger in a schema of its own, without the context that would use it."""

import contextlib
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg import sql

from order_service.infra.postgres.sql import Query
from order_service.ledger.model import OUTSIDE, Leg, Transfer
from order_service.ledger.statements import RIGHTS, Run, ddl

Connection = psycopg.Connection[Any]

AVAILABLE = "available"
SPENT = "spent"


class Schema(NamedTuple):
    """A schema with the ledger's tables, and the role that may use it."""

    name: str
    admin: Connection
    role: str

    def execute(
        self, statement: LiteralString, *values: object, connection: Connection | None = None
    ) -> None:
        """Run a statement that has {} for the schema, as the superuser unless told otherwise."""
        text = sql.SQL(statement).format(sql.Identifier(self.name))
        (connection or self.admin).execute(text, values)


def create_ledger(admin: Connection, role: str) -> Schema:
    """Create the tables in a new schema, with the rights that a migration grants."""
    name = f"ledger_{uuid.uuid4().hex}"
    admin.execute(ddl(name))
    grant = sql.SQL("GRANT {} ON {} TO {}")
    schema, user = sql.Identifier(name), sql.Identifier(role)
    admin.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, user))
    for table, rights in RIGHTS.items():
        privileges = sql.SQL(", ").join(map(sql.SQL, rights))
        admin.execute(grant.format(privileges, sql.Identifier(name, table), user))
    return Schema(name, admin, role)


def run_of(connection: Connection) -> Run:
    """Statements of whatever transaction the connection is in."""

    def run(query: Query, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
        return connection.execute(query.text, parameters).fetchall()

    return run


@contextlib.contextmanager
def transaction(connection: Connection) -> Iterator[Run]:
    """Statements that take effect together."""
    with connection.transaction():
        yield run_of(connection)


def credit(owner: uuid.UUID, amount: int, transfer: uuid.UUID | None = None) -> Transfer:
    return Transfer(transfer or uuid.uuid4(), "credit", [Leg(owner, OUTSIDE, AVAILABLE, amount)])


def debit(owner: uuid.UUID, amount: int, transfer: uuid.UUID | None = None) -> Transfer:
    return Transfer(transfer or uuid.uuid4(), "debit", [Leg(owner, AVAILABLE, SPENT, amount)])


def move(giver: uuid.UUID, taker: uuid.UUID, amount: int, transfer: uuid.UUID) -> Transfer:
    """From one person to another: two legs, as each has a counter-leg of the same owner."""
    legs = [Leg(giver, AVAILABLE, OUTSIDE, amount), Leg(taker, OUTSIDE, AVAILABLE, amount)]
    return Transfer(transfer, "move", legs)
