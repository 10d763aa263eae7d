"""The repository on Postgres: exact bytes, quick plans, true answers about outages."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import example, given, settings

from order_service.contexts.orders import postgres
from order_service.contexts.orders.decode import decode
from order_service.contexts.orders.errors import StorageRejectedError, StorageUnavailableError
from order_service.contexts.orders.ingest import Destinations, Ingest, IngestRules
from order_service.contexts.orders.model import MAX_BIGINT, MAX_INT, Document, Order
from order_service.contexts.orders.ports import Outcome
from order_service.contexts.orders.postgres import ISOLATION, PostgresOrders
from order_service.embedded.postgres import PostgresServer
from order_service.infra.postgres.database import Database
from tests.backends import Environ, migrator_of, process_of
from tests.builders import STREAM, Message, as_json, record, record_of, refused_record
from tests.fakes import MemoryCache, MemoryDeadLetters, Once, Told
from tests.servers import started
from tests.strategies import NONSENSE, UIDS, delivered, deliveries, last_valid, orders, topics
from tests.waiting import eventually

Admin = psycopg.Connection[Any]


def extreme() -> dict[str, Any]:
    """An order with every value at its bound."""
    document = as_json() | {"sm_id": MAX_INT, "date_created": "9999-12-31T23:59:59.999999Z"}
    document["payment"] |= dict.fromkeys(
        ("amount", "payment_dt", "delivery_cost", "goods_total", "custom_fee"), MAX_BIGINT
    )
    document["delivery"]["name"] = "\U0010ffff" * 255
    document["delivery"]["city"] = "\u202e北京 Київ \\ \" ' \n\t\x01\x7f\ufeff"
    return document


@settings(max_examples=60)
@given(orders())
@example(extreme())
@example(as_json() | {"date_created": "1970-01-01T00:00:00Z"})
@example(as_json() | {"date_created": "9999-12-31T00:30:00+14:00"})
def test_what_postgres_returns_is_what_was_ingested_byte_for_byte(
    database: Database, admin: Admin, document: dict[str, Any]
) -> None:
    order = decode(json.dumps(document).encode())
    for repository in (PostgresOrders(database), PostgresOrders(database, worth_copying=1)):
        admin.execute("DELETE FROM orders.orders WHERE order_uid = %s", [order.order_uid])
        repository.save([record_of(order)])
        assert repository.find(order.order_uid) == Document.of(order)


@settings(max_examples=20)
@given(topics(), deliveries)
def test_any_batches_with_any_redelivery_end_in_the_last_valid_message_of_each_uid(
    database: Database, admin: Admin, topic: list[Message], plan: list[tuple[int, int]]
) -> None:
    admin.execute("DELETE FROM orders.orders WHERE order_uid = ANY(%s)", [[*UIDS]])
    repository, letters = PostgresOrders(database, worth_copying=2), MemoryDeadLetters()
    ingest = ingest_into(repository, letters)
    for batch in delivered(topic, plan):
        ingest.store(ingest.prepare(batch, STREAM))
    assert stored(repository) == last_valid(topic)
    nonsense = {each.offset for each in topic if each.value == NONSENSE}
    assert {letter.message.offset for letter in letters.published} == nonsense


def test_postgres_itself_writes_canonical_json(
    postgres_orders: PostgresOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = as_json() | {"order_uid": "plain"}
    given = [decode(json.dumps(document).encode()) for document in (plain, extreme())]
    postgres_orders.save([record_of(order) for order in given])
    monkeypatch.setattr(postgres, "_decode_stored", None)
    for order in given:
        assert postgres_orders.find(order.order_uid) == Document.of(order)


def test_json_that_is_not_canonical_is_made_so(
    postgres_orders: PostgresOrders, admin: Admin
) -> None:
    postgres_orders.save([record()])
    admin.execute("UPDATE orders.orders SET digest = decode(repeat('0f', 16), 'hex')")
    assert postgres_orders.find("order-1") == record().document


def ingest_into(repository: PostgresOrders, letters: MemoryDeadLetters) -> Ingest:
    to = Destinations(repository, letters, Once(), Once())
    return Ingest(to, MemoryCache(), Told(), IngestRules(lanes=2))


def stored(repository: PostgresOrders) -> dict[str, Order]:
    found = {uid: repository.find(uid) for uid in UIDS}
    return {uid: decode(each.body) for uid, each in found.items() if each is not None}


def test_only_the_order_that_postgres_refuses_becomes_a_dead_letter(
    postgres_orders: PostgresOrders,
) -> None:
    letters = MemoryDeadLetters()
    ingest = ingest_into(postgres_orders, letters)
    good = [Message(record(f"order-{number:03}").document.body, number) for number in range(120)]
    batch = ingest.prepare(good, STREAM)
    guilty = batch.candidates[77]._replace(record=refused_record("order-077"))
    ingest.store(
        batch._replace(candidates=[*batch.candidates[:77], guilty, *batch.candidates[78:]])
    )
    (letter,) = letters.published
    assert (letter.reason, letter.message.offset) == ("refused_by_storage", 77)
    assert "violates check constraint" in str(letter.faults)
    assert "-1" not in str(letter.faults)
    found = {uid for page in postgres_orders.newest(200, 200) for uid, _ in page}
    assert found == {f"order-{number:03}" for number in range(120)} - {"order-077"}


REFUSED = [
    (b'"amount":1817', b'"amount":-1'),
    (b'"amount":1817', b'"amount":9223372036854775808'),
    (b'"amount":1817', b'"amount":null'),
    (b'"currency":"USD"', b'"currency":"USDX"'),
    (b'"sm_id":99', b'"sm_id":2147483648'),
    (b'"name":"Mascaras"', b'"name":"\\u0000"'),
    (b'"name":"Mascaras"', b'"name":"\\ud83d"'),
    (b'"name":"Mascaras"', b'"name":"' + b"x" * 256 + b'"'),
    (b'"name":"Mascaras"', b'"name":""'),
    (b'"email":"test@gmail.com"', b'"email":"x"'),
    (b"2021-11-26T06:22:19Z", b"1969-11-26T06:22:19Z"),
    (b"2021-11-26T06:22:19Z", b"10000-01-01T00:00:00Z"),
    (b"2021-11-26T06:22:19Z", b"2021-13-26T06:22:19Z"),
]


@pytest.mark.parametrize(("old", "new"), REFUSED)
def test_what_no_validation_let_through_is_refused_for_good_and_not_retried(
    postgres_orders: PostgresOrders, old: bytes, new: bytes
) -> None:
    body = record().document.body
    assert old in body
    bad = msgspec.structs.replace(record(), document=Document.of_body(body.replace(old, new)))
    with pytest.raises(StorageRejectedError) as caught:
        postgres_orders.save([bad])
    assert "Test Testov" not in caught.value.detail
    assert postgres_orders.find("order-1") is None


def test_unchanged_orders_are_not_written(postgres_orders: PostgresOrders, admin: Admin) -> None:
    batch = [record(f"order-{number}") for number in range(5)]
    postgres_orders.save(batch)
    query = "SELECT xmin, ctid, order_uid FROM orders.{} ORDER BY order_uid"
    tables = ("orders", "deliveries", "payments", "items")
    before = [admin.execute(query.format(table).encode()).fetchall() for table in tables]
    postgres_orders.save(batch)
    assert [admin.execute(query.format(table).encode()).fetchall() for table in tables] == before


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[PostgresServer]:
    with started(PostgresServer(tmp_path, durable=False)) as server:
        yield server


@pytest.fixture
def own_environ(own_server: PostgresServer) -> Environ:
    environ = own_server.environment()
    with migrator_of(environ) as migrator:
        migrator.up()
    return environ


def test_a_restart_of_the_server_costs_a_reader_nothing(
    own_server: PostgresServer, own_environ: Environ
) -> None:
    with process_of(own_environ) as process:
        repository = PostgresOrders(process.database(8, ISOLATION))
        repository.save([record()])
        own_server.stop_immediately()
        own_server.start()
        assert repository.find("order-1") == record().document
        assert repository.save([record(offset=1, locale="ru")]) == {"order-1": Outcome.REPLACED}


def test_a_server_that_is_away_is_told_as_unavailable_and_is_found_again(
    own_server: PostgresServer, own_environ: Environ
) -> None:
    with process_of(own_environ) as process:
        repository = PostgresOrders(process.database(8, ISOLATION))
        repository.save([record()])
        own_server.kill()
        for ask in (lambda: repository.find("order-1"), lambda: repository.save([record("b")])):
            with pytest.raises(StorageUnavailableError):
                ask()
        own_server.start()
        eventually(lambda: is_found(repository), 40, "the database is found again")


def is_found(repository: PostgresOrders) -> bool:
    try:
        return repository.find("order-1") == record().document
    except StorageUnavailableError:
        return False


def test_a_missing_schema_is_waited_for_and_no_fault_of_the_orders(
    empty_database: Environ,
) -> None:
    own = empty_database | {
        "POSTGRES_USER": empty_database["POSTGRES_ADMIN_USER"],
        "POSTGRES_PASSWORD": empty_database["POSTGRES_ADMIN_PASSWORD"],
    }
    with process_of(own) as process:
        repository = PostgresOrders(process.database(8, ISOLATION))
        with pytest.raises(StorageUnavailableError):
            repository.save([record()])
        with pytest.raises(StorageUnavailableError):
            repository.check()
