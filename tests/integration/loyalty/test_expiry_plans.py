"""What expires is found among what is left, however much was spent before."""

import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from order_service.contexts.loyalty.storage import QUERIES
from order_service.infra.postgres.database import Database
from tests.integration.loyalty.conftest import Admin

MANY = 20_000
LEFT = 3
LIFETIME = 86400.0


@pytest.fixture
def veteran(admin: Admin) -> uuid.UUID:
    """Somebody who has spent all but three of many credits, one every minute."""
    owner = uuid.uuid4()
    admin.execute(
        """
        INSERT INTO loyalty.entries (owner, transfer, leg, kind, source, target, amount,
            source_balance, target_balance, target_credited, created_at)
        SELECT %(owner)s, gen_random_uuid(), 1, 'accrual', 'outside', 'available', 10,
            -10 * n, 10, 10 * n, now() - (%(many)s - n) * interval '1 minute'
        FROM generate_series(1, %(many)s) AS n
        """,
        {"owner": owner, "many": MANY},
    )
    admin.execute(
        "INSERT INTO loyalty.balances VALUES (%s, 'available', %s, %s)",
        [owner, 10 * MANY, 10 * (MANY - LEFT)],
    )
    admin.execute("ANALYZE loyalty.entries, loyalty.balances")
    return owner


def rows_read(plan: Mapping[str, Any]) -> int:
    """Rows of entries that a plan has touched, those that it threw away included."""
    here = 0
    if plan.get("Relation Name") == "entries":
        thrown = plan.get("Rows Removed by Filter", 0) + plan.get(
            "Rows Removed by Index Recheck", 0
        )
        here = (plan["Actual Rows"] + thrown) * plan["Actual Loops"]
    return here + sum(map(rows_read, plan.get("Plans", [])))


@pytest.mark.parametrize("query", ["next_expiry_of", "expired_of", "expiring_after"])
def test_what_was_spent_is_not_read(
    loyalty_database: Database, veteran: uuid.UUID, query: str
) -> None:
    statement = QUERIES[query]
    explain = statement._replace(text=f"EXPLAIN (ANALYZE, FORMAT JSON) {statement.text}")
    values = {"owner": veteran, "lifetime": LIFETIME, "after": uuid.UUID(int=0), "limit": 100}
    wanted = {name: value for name, value in values.items() if f"%({name})s" in statement.text}
    ((plans,),) = loyalty_database.write(explain, wanted)
    assert rows_read(plans[0]["Plan"]) <= LEFT + 1


def test_what_expires_next_is_the_oldest_that_is_left(
    loyalty_database: Database, veteran: uuid.UUID
) -> None:
    values = {"owner": veteran, "lifetime": LIFETIME}
    ((_, points),) = loyalty_database.read(QUERIES["next_expiry_of"], values)
    assert points == 10
    assert loyalty_database.read(QUERIES["expired_of"], values) == []
