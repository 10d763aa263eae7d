"""The stores of the loyalty context, empty, on the shared database."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from order_service.contexts.loyalty.numbers_postgres import PostgresNumbers, PostgresPolling
from order_service.contexts.loyalty.points_postgres import PostgresPoints
from order_service.infra.postgres.database import Database
from tests.backends import Environ, process_of

Admin = psycopg.Connection[Any]


@pytest.fixture(scope="session")
def loyalty_database(shared_database: Environ) -> Iterator[Database]:
    with process_of(shared_database) as process:
        yield process.database(8)


@pytest.fixture(autouse=True)
def _empty(admin: Admin) -> None:
    admin.execute("TRUNCATE loyalty.orders, loyalty.balances, loyalty.entries")
    admin.execute("TRUNCATE loyalty.idempotency_keys")
    admin.execute("UPDATE loyalty.gate SET closed_until = '-infinity'")


@pytest.fixture
def numbers(loyalty_database: Database) -> PostgresNumbers:
    return PostgresNumbers(loyalty_database)


@pytest.fixture
def polling(loyalty_database: Database) -> PostgresPolling:
    return PostgresPolling(loyalty_database)


@pytest.fixture
def points(loyalty_database: Database) -> PostgresPoints:
    return PostgresPoints(loyalty_database)
