"""A ledger, and connections to it as the role of the service."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest

from order_service.ledger.postings import PostgresLedger
from tests.backends import Environ, connect
from tests.ledgers import Connection, Schema, create_ledger

Connect = Callable[[], Connection]


@pytest.fixture
def schema(shared_database: Environ, admin: psycopg.Connection[tuple[object, ...]]) -> Schema:
    return create_ledger(admin, shared_database["POSTGRES_USER"])


@pytest.fixture
def ledger(schema: Schema) -> PostgresLedger:
    return PostgresLedger(schema.name)


@pytest.fixture
def new_connection(shared_database: Environ) -> Iterator[Connect]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(connect(shared_database, admin=False))


@pytest.fixture
def connection(new_connection: Connect) -> Connection:
    return new_connection()
