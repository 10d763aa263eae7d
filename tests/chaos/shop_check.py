"""Whether a shop keeps its promises: each purchase settled and paid for once, no money lost."""

from collections import Counter
from typing import Any

import psycopg

from order_service.ledger.checking import check_balances
from tests.backends import Environ
from tests.chaos.shop_customers import Customers
from tests.integration.service_process import command
from tests.ledgers import run_of
from tests.waiting import eventually


def await_quiet(dsn: str) -> None:
    """Wait until no message and no purchase is on its way."""
    left = """
        SELECT (SELECT count(*) FROM checkout.outbox), (SELECT count(*) FROM payments.outbox),
            (SELECT count(*) FROM checkout.purchases WHERE awaiting_since IS NOT NULL)
    """
    with psycopg.connect(dsn, autocommit=True) as admin:
        what = "nothing is left behind"
        eventually(lambda: admin.execute(left).fetchone() == (0, 0, 0), 240, what)


def check_shop(dsn: str, environ: Environ, customers: Customers) -> dict[str, int]:
    """Fail unless everything is as the customers were promised; return purchases by status.

    Args:
        dsn: Of the database, as one who may read everything.
        environ: With which `order-service reconcile` finds it.
        customers: Who have finished.
    """
    with psycopg.connect(dsn, autocommit=True) as admin:
        statuses = _check_purchases(admin, customers)
        _check_payments(admin)
        _check_balances(admin, customers)
        found = [*check_balances(run_of(admin), "payments")]
    assert sum(each.owners for each in found) == len(customers.promised)
    assert [each.differences for each in found if each.differences] == []
    done = command(environ, "reconcile", "--younger-than", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    return statuses


def _check_purchases(
    admin: "psycopg.Connection[tuple[Any, ...]]", customers: Customers
) -> dict[str, int]:
    """Every purchase that was acknowledged is there once, and settled; no other one is."""
    rows = admin.execute("SELECT id::text, status FROM checkout.purchases").fetchall()
    promised = [each for told in customers.promised.values() for each in told.purchases]
    assert sorted(promised) == sorted(id_ for id_, _ in rows)
    statuses = Counter(status for _, status in rows)
    assert statuses.keys() <= {"approved", "rejected", "cancelled", "refunded"}
    return dict(statuses)


def _check_payments(admin: "psycopg.Connection[tuple[Any, ...]]") -> None:
    """What is approved was debited once, what is refunded was given back once."""
    wrong = admin.execute("""
        SELECT purchase.id, status, debits, credits
        FROM checkout.purchases AS purchase
        LEFT JOIN LATERAL (
            SELECT count(*) FILTER (WHERE reverses IS NULL AND entry.amount = quantity * price)
                    AS debits,
                count(*) FILTER (WHERE reverses IS NOT NULL AND entry.amount = quantity * price)
                    AS credits,
                count(*) AS entries
            FROM payments.entries AS entry
            WHERE entry.owner = purchase.owner
                AND (transfer = purchase.id OR reverses = purchase.id)
        ) AS moved ON true
        WHERE CASE status
            WHEN 'approved' THEN (debits, credits, entries) <> (1, 0, 1)
            WHEN 'refunded' THEN (debits, credits, entries) <> (1, 1, 2)
            WHEN 'cancelled' THEN debits <> credits OR entries > 2
            ELSE entries > 0
        END
    """).fetchall()
    assert wrong == []


def _check_balances(admin: "psycopg.Connection[tuple[Any, ...]]", customers: Customers) -> None:
    """A balance is what came in, minus what is approved; what was refunded cancels out."""
    rows = admin.execute("""
        SELECT wallet.owner::text,
            coalesce(sum(balance.credited - balance.debited), 0)::bigint,
            (SELECT coalesce(sum(quantity * price), 0)::bigint FROM checkout.purchases
             WHERE owner = wallet.owner AND status = 'approved')
        FROM payments.wallets AS wallet
        LEFT JOIN payments.balances AS balance
            ON balance.owner = wallet.owner AND balance.account = 'wallet:USD'
        GROUP BY wallet.owner
    """).fetchall()
    found = {owner: balance + spent for owner, balance, spent in rows}
    assert found == {owner: told.deposits for owner, told in customers.promised.items()}
    assert min(balance for _, balance, _ in rows) >= 0
