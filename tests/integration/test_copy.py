"""New orders by COPY: what it refuses, and who else stores them meanwhile."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from order_service.contexts.orders.errors import StorageRejectedError
from order_service.contexts.orders.model import MAX_BIGINT, MAX_INT, Order
from order_service.contexts.orders.ports import Outcome
from order_service.contexts.orders.postgres import PostgresOrders
from order_service.infra.postgres.database import Database, Transaction
from order_service.infra.postgres.sql import Query
from tests.builders import canonical, record, record_of


def copying(database: Database) -> PostgresOrders:
    """A repository that stores even a single new order by COPY."""
    return PostgresOrders(database, worth_copying=1)


UNFIT = [
    {"payment": {"amount": -1}},
    {"payment": {"amount": MAX_BIGINT + 1}},
    {"payment": {"currency": "USDX"}},
    {"sm_id": MAX_INT + 1},
    {"delivery": {"name": "\0"}},
    {"delivery": {"name": "x" * 256}},
    {"delivery": {"name": ""}},
    {"delivery": {"email": "x"}},
    {"date_created": datetime(1969, 1, 1, tzinfo=UTC)},
]


def with_changes(changes: dict[str, Any]) -> Order:
    """The sample with fields changed, those of its parts too; the rules are not applied."""
    given = canonical()
    for name, value in changes.items():
        new = replace(getattr(given, name), **value) if isinstance(value, dict) else value
        # Not even the rule that the order itself insists on.
        given = replace(given, **{name: new}) if name != "date_created" else dated(given, new)
    return given


def dated(given: Order, moment: datetime) -> Order:
    undated = replace(given)
    msgspec.structs.force_setattr(undated, "date_created", moment)
    return undated


@pytest.mark.parametrize("changes", UNFIT, ids=str)
def test_copy_refuses_for_good_what_no_validation_let_through(
    postgres_orders: PostgresOrders, database: Database, changes: dict[str, Any]
) -> None:
    with pytest.raises(StorageRejectedError) as caught:
        copying(database).save([record("fine"), record_of(with_changes(changes))])
    assert "Test Testov" not in caught.value.detail
    assert postgres_orders.find("fine") is None


@pytest.mark.parametrize(
    "meanwhile",
    [
        ("en", 5, Outcome.UNCHANGED, "en"),
        ("ru", 5, Outcome.REPLACED, "en"),
        ("ru", 7, Outcome.UNCHANGED, "ru"),
    ],
    ids=["the same", "an older one", "a newer one"],
)
def test_an_order_that_another_consumer_stores_meanwhile_is_judged_like_any_that_is_stored(
    postgres_orders: PostgresOrders,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: tuple[str, int, Outcome, str],
) -> None:
    locale, offset, outcome, kept = meanwhile
    copy = Transaction.copy

    def overtaken(transaction: Transaction, query: Query, rows: bytes) -> None:
        monkeypatch.setattr(Transaction, "copy", copy)
        postgres_orders.save([record("order-1", offset, locale=locale)])
        copy(transaction, query, rows)

    monkeypatch.setattr(Transaction, "copy", overtaken)
    outcomes = copying(database).save([record("order-0", 5), record("order-1", 6)])
    assert outcomes == {"order-0": Outcome.CREATED, "order-1": outcome}
    assert postgres_orders.find("order-1") == record(locale=kept).document
    assert postgres_orders.find("order-0") == record("order-0").document
