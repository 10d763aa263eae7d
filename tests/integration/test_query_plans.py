"""Each query uses the index that was made for it, on tables with real statistics."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from order_service.contexts.orders import postgres
from order_service.contexts.orders.ports import OrderFilter, OrderRecord, Position
from order_service.contexts.orders.postgres import ISOLATION, PostgresOrders
from order_service.embedded.postgres import PostgresServer
from order_service.infra.postgres.sql import Query
from tests.backends import connect, migrator_of, process_of
from tests.builders import record

NEWEST = datetime(2024, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def crowded(postgres_server: PostgresServer) -> Iterator[PostgresOrders]:
    """Six thousand orders of many customers, as statistics know them."""
    name = f"crowded_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server.admin_dsn("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        environ = postgres_server.environment() | {"POSTGRES_DB": name, "POSTGRES_USER": name}
        with migrator_of(environ) as migrator:
            migrator.up()
        with process_of(environ) as process:
            repository = PostgresOrders(process.database(8, ISOLATION))
            for start in range(0, 6000, 1000):
                repository.save([crowd(number) for number in range(start, start + 1000)])
            with connect(environ, admin=True) as admin:
                admin.execute("ANALYZE")
            yield repository
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
        connection.execute(f"DROP ROLE {name}".encode())


def crowd(number: int) -> OrderRecord:
    return record(
        f"order-{number:05}",
        date_created=NEWEST - timedelta(minutes=number),
        customer_id=f"customer-{number % 500}",
        track_number=f"track-{number % 700}",
    )


ALL_KEYS = {"orders_pkey", "deliveries_pkey", "payments_pkey", "items_pkey"}
LATER = Position(NEWEST - timedelta(days=2), "order-02880")
LISTS = [
    (OrderFilter(), None, "orders_newest"),
    (OrderFilter(), LATER, "orders_newest"),
    (OrderFilter(created_from=NEWEST - timedelta(days=1)), None, "orders_newest"),
    (OrderFilter(created_before=NEWEST - timedelta(days=2)), LATER, "orders_newest"),
    (OrderFilter(customer_id="customer-7"), None, "orders_newest_of_customer"),
    (OrderFilter(customer_id="customer-7"), LATER, "orders_newest_of_customer"),
    (OrderFilter(customer_id="nobody"), None, "orders_newest_of_customer"),
    (OrderFilter(track_number="track-7"), None, "orders_newest_of_track_number"),
    (OrderFilter(track_number="track-7"), LATER, "orders_newest_of_track_number"),
]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def plan_of(repository: PostgresOrders, query: Any, parameters: object) -> list[dict[str, Any]]:  # noqa: ANN401
    """The nodes of the plan that Postgres makes of one of the repository's statements."""
    explain = query._replace(text=f"EXPLAIN (FORMAT JSON) {query.text}")
    ((text,),) = repository._database.write(explain, parameters)  # type: ignore[arg-type]  # noqa: SLF001
    return list(nodes(text[0]["Plan"]))


def assert_no_table_is_scanned(plan: Sequence[dict[str, Any]]) -> None:
    assert [node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"] == []


@pytest.mark.parametrize(("wanted", "after", "index"), LISTS)
def test_each_list_reads_its_index_and_sorts_no_table(
    crowded: PostgresOrders, wanted: OrderFilter, after: Position | None, index: str
) -> None:
    position = after or postgres._NEWEST  # noqa: SLF001 - the statements are no public part
    parameters = {"limit": 21, **wanted._asdict(), **position._asdict()}
    plan = plan_of(crowded, postgres._search_query(wanted), parameters)  # noqa: SLF001
    assert index in {node.get("Index Name") for node in plan}
    assert_no_table_is_scanned(plan)


@pytest.mark.parametrize(
    ("query", "parameters", "indexes"),
    [
        (postgres._QUERIES["newest_uids"], {"limit": 250, **LATER._asdict()}, {"orders_newest"}),  # noqa: SLF001
        (postgres.FIND_ONE, {"uid": "order-00001"}, ALL_KEYS),
        (postgres.FIND_MANY, {"uids": ["order-00001", "order-00002"]}, ALL_KEYS),
        (postgres._STORED_UIDS, {"uids": ["order-00001", "nobody"]}, {"orders_pkey"}),  # noqa: SLF001
    ],
    ids=["newest", "one", "many", "stored"],
)
def test_the_other_reads_use_their_indexes_too(
    crowded: PostgresOrders, query: Query, parameters: dict[str, object], indexes: set[str]
) -> None:
    plan = plan_of(crowded, query, parameters)
    assert {node["Index Name"] for node in plan if "Index Name" in node} == indexes
    assert_no_table_is_scanned(plan)


def test_storing_a_batch_scans_no_table(crowded: PostgresOrders) -> None:
    batch = [crowd(number) for number in range(100)]
    parameters = postgres._packed(batch)  # noqa: SLF001
    plan = plan_of(crowded, postgres._QUERIES["save_orders"], parameters)  # noqa: SLF001
    assert_no_table_is_scanned(plan)


def test_every_index_is_used_by_some_query(crowded: PostgresOrders) -> None:
    """An index costs every write; what no list needs must go."""
    del crowded
    indexes = {index for _, _, index in LISTS}
    created = (Path(__file__).parents[2] / "migrations/orders/0001-create-orders.sql").read_text()
    assert {line.split()[5] for line in created.splitlines() if "CREATE INDEX" in line} == indexes
