"""`order-service ledger check` on the ledger of a context."""

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from order_service.bootstrap.contexts import installed
from order_service.cli import main
from order_service.ledger.postings import PostgresLedger
from tests.backends import Environ, connect
from tests.builders import ROOT
from tests.ledgers import credit, run_of


@pytest.fixture
def booked(shared_database: Environ, admin: psycopg.Connection[Any]) -> Iterator[uuid.UUID]:
    """Somebody with an entry in the ledger of the points."""
    admin.execute("TRUNCATE loyalty.balances, loyalty.entries")
    owner = uuid.uuid4()
    with connect(shared_database, admin=False) as connection:
        PostgresLedger("loyalty").post(run_of(connection), credit(owner, 500))
    yield owner
    admin.execute("TRUNCATE loyalty.balances, loyalty.entries")


def check(environ: Environ) -> Result:
    names = {"ORDER_SERVICE_CONFIG": str(ROOT / "config.yml"), "LOG_LEVEL": "error"}
    return CliRunner().invoke(main, ["ledger", "check"], obj=installed(), env={**environ, **names})


@pytest.mark.usefixtures("booked")
def test_it_says_that_nothing_differs(shared_database: Environ) -> None:
    result = check(shared_database)
    assert result.exit_code == 0, result.output
    assert "loyalty: 1 owners checked" in result.output
    assert "nothing differs" in result.output


def test_it_says_what_differs(
    shared_database: Environ, admin: psycopg.Connection[Any], booked: uuid.UUID
) -> None:
    admin.execute("UPDATE loyalty.balances SET credited = 501 WHERE account = 'available'")
    result = check(shared_database)
    assert result.exit_code == 1
    assert f"loyalty: {booked} available: kept 501 (501 in, 0 out), entries 500" in result.output


def test_it_says_that_the_database_is_away(shared_database: Environ) -> None:
    result = check({**shared_database, "POSTGRES_PORT": "1"})
    assert result.exit_code == 1
    assert "the database cannot be asked" in result.output
