"""A database for the tests of accounts, empty before each of them."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from order_service.infra.postgres.database import Database
from tests.backends import Environ, process_of
from tests.integration.accounts.bench import AccountsBench, wipe


@pytest.fixture(scope="session")
def accounts_database(shared_database: Environ) -> Iterator[Database]:
    """A pool as the service opens it for accounts."""
    with process_of(shared_database) as process:
        yield process.database(8)


@pytest.fixture(scope="session")
def accounts_admin_database(shared_database: Environ) -> Iterator[Database]:
    """A connection as operators have it."""
    with process_of(shared_database) as process:
        yield process.admin_database()


@pytest.fixture
def bench(
    admin: psycopg.Connection[object],
    accounts_database: Database,
    accounts_admin_database: Database,
) -> Iterator[AccountsBench]:
    """The use cases, without any person."""
    wipe(admin)
    with closing(AccountsBench(accounts_database, admin=accounts_admin_database)) as opened:
        yield opened
