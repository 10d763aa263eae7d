"""What every OrderRepository keeps: the one in memory and the one on Postgres alike."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from order_service.contexts.orders.errors import StorageRejectedError
from order_service.contexts.orders.ports import (
    ABSENT,
    OrderFilter,
    OrderRecord,
    OrderRepository,
    OrderSummary,
    Outcome,
    Position,
    Source,
    Standings,
)
from order_service.contexts.orders.postgres import PostgresOrders
from tests.builders import (
    OTHER_STREAM,
    STREAM,
    canonical,
    items,
    order,
    record,
    record_of,
    refused_record,
)
from tests.fakes import MemoryOrders

MORNING = datetime(2024, 5, 1, 8, tzinfo=UTC)
ANY = OrderFilter()


@pytest.fixture(params=["memory", "postgres", "postgres, new orders by COPY"])
def repository(request: pytest.FixtureRequest) -> OrderRepository:
    if request.param == "memory":
        return MemoryOrders()
    found: OrderRepository = request.getfixturevalue("postgres_orders")
    if request.param == "postgres":
        return found
    return PostgresOrders(request.getfixturevalue("database"), worth_copying=1)


@pytest.fixture
def standings(repository: OrderRepository) -> Standings:
    """The same, as whoever compares sees it."""
    assert isinstance(repository, MemoryOrders | PostgresOrders)
    return repository


def save(repository: OrderRepository, given: OrderRecord) -> Outcome:
    return repository.save([given])[given.uid]


def uids(found: list[OrderSummary]) -> list[str]:
    return [summary.order_uid for summary in found]


def at(minutes: int) -> datetime:
    return MORNING + timedelta(minutes=minutes)


def test_what_was_saved_is_found_byte_for_byte(repository: OrderRepository) -> None:
    given = record(items=items(3))
    assert save(repository, given) is Outcome.CREATED
    assert repository.find("order-1") == given.document


def test_an_order_that_was_never_saved_is_not_found(repository: OrderRepository) -> None:
    assert repository.find("nobody") is None


@pytest.mark.parametrize("count", [1, 2, 40])
def test_many_orders_are_found_at_once_and_those_that_are_not_there_are_told(
    repository: OrderRepository, count: int
) -> None:
    given = [record(f"order-{number}", items=items(number % 3 + 1)) for number in range(count)]
    repository.save(given)
    found = repository.find_many([*(each.uid for each in given), "nobody"])
    assert found == {**{each.uid: each.document for each in given}, "nobody": ABSENT}
    assert repository.find_many(["nobody"]) == {"nobody": ABSENT}


def test_a_batch_reports_the_outcome_of_each_of_its_orders(repository: OrderRepository) -> None:
    repository.save([record("same"), record("old")])
    outcomes = repository.save([record("new", 5), record("old", 6, locale="ru"), record("same", 7)])
    assert outcomes == {
        "new": Outcome.CREATED,
        "old": Outcome.REPLACED,
        "same": Outcome.UNCHANGED,
    }


def test_an_empty_batch_is_saved_without_outcome(repository: OrderRepository) -> None:
    assert repository.save([]) == {}


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_replaced_order_has_exactly_the_items_of_the_newer_message(
    repository: OrderRepository, count: int
) -> None:
    save(repository, record(items=items(3)))
    newer = record(offset=1, items=items(count)[::-1])
    assert save(repository, newer) is Outcome.REPLACED
    assert repository.find("order-1") == newer.document


def test_a_replaced_order_has_the_delivery_and_payment_of_the_newer_message(
    repository: OrderRepository,
) -> None:
    save(repository, record())
    delivery = msgspec.structs.replace(canonical().delivery, name="Тест")
    payment = msgspec.structs.replace(canonical().payment, amount=1)
    newer = record(offset=1, delivery=delivery, payment=payment)
    save(repository, newer)
    assert repository.find("order-1") == newer.document


def test_a_message_from_before_the_stored_one_is_ignored(repository: OrderRepository) -> None:
    newer = record(offset=7, locale="ru")
    save(repository, newer)
    assert save(repository, record(offset=6, locale="en")) is Outcome.UNCHANGED
    assert repository.find("order-1") == newer.document


def test_a_redelivered_older_version_is_ignored_whatever_its_items(
    repository: OrderRepository,
) -> None:
    save(repository, record(offset=1, items=items(2)))
    newer = record(offset=2, items=items(1))
    save(repository, newer)
    assert save(repository, record(offset=1, items=items(2))) is Outcome.UNCHANGED
    assert repository.find("order-1") == newer.document


def test_content_that_came_back_within_a_batch_is_newer_than_what_stood_between(
    repository: OrderRepository,
) -> None:
    first = record(offset=1)
    save(repository, first)
    back = msgspec.structs.replace(record(offset=3), renews=True)
    assert save(repository, back) is Outcome.UNCHANGED
    assert save(repository, record(offset=2, locale="ru")) is Outcome.UNCHANGED
    assert repository.find("order-1") == first.document
    assert save(repository, record(offset=4, locale="ru")) is Outcome.REPLACED


@pytest.mark.parametrize(
    "elsewhere",
    [{"partition": 1}, {"stream": OTHER_STREAM}, {"stream": None}],
    ids=["other partition", "other stream", "unknown stream"],
)
def test_offsets_of_another_lane_do_not_compare_so_the_message_wins(
    repository: OrderRepository, elsewhere: dict[str, Any]
) -> None:
    save(repository, record(offset=100))
    place = msgspec.structs.replace(record(offset=1).source, **elsewhere)
    other = msgspec.structs.replace(record(locale="ru"), source=place)
    assert save(repository, other) is Outcome.REPLACED
    assert repository.find("order-1") == other.document


def test_without_a_stream_every_other_content_wins(repository: OrderRepository) -> None:
    save(repository, record(offset=100, stream=None))
    assert save(repository, record(offset=1, stream=None, locale="ru")) is Outcome.REPLACED


def test_one_refused_order_fails_its_whole_batch(repository: OrderRepository) -> None:
    with pytest.raises(StorageRejectedError) as caught:
        repository.save([record("good"), refused_record("guilty")])
    assert set(caught.value.uids) == {"good", "guilty"}
    assert repository.find("good") is None
    assert repository.find("guilty") is None


def filled(repository: OrderRepository) -> list[str]:
    """Save five orders, two of them made at the same moment; return their uids, newest first."""
    ages = {"e": 40, "d": 30, "c": 30, "b": 20, "a": 10}
    repository.save([record(uid, date_created=at(age)) for uid, age in sorted(ages.items())])
    return list(ages)


@pytest.mark.parametrize(
    ("limit", "page_size", "sizes"),
    [(10, 2, [2, 2, 1]), (4, 2, [2, 2]), (3, 2, [2, 1]), (5, 5, [5]), (0, 2, []), (1, 250, [1])],
)
def test_the_newest_come_in_pages(
    repository: OrderRepository, limit: int, page_size: int, sizes: list[int]
) -> None:
    expected = filled(repository)
    pages = list(repository.newest(limit, page_size))
    assert [len(page) for page in pages] == sizes
    assert [uid for page in pages for uid, _ in page] == expected[:limit]


def test_the_newest_come_with_their_documents(repository: OrderRepository) -> None:
    filled(repository)
    for page in repository.newest(10, 2):
        assert all(repository.find(uid) == document for uid, document in page)


def test_there_are_no_newest_orders_without_orders(repository: OrderRepository) -> None:
    assert list(repository.newest(10, 2)) == []


def test_a_search_pages_through_all_orders_newest_first(repository: OrderRepository) -> None:
    expected = filled(repository)
    found: list[OrderSummary] = []
    after: Position | None = None
    while page := list(repository.search(ANY, 2, after)):
        found += page
        after = Position(page[-1].date_created, page[-1].order_uid)
    assert uids(found) == expected


def test_a_search_summarizes_orders(repository: OrderRepository) -> None:
    given = order("order-1", items=items(3), customer_id="алиса", track_number="T")
    save(repository, record_of(given))
    assert list(repository.search(ANY, 10, None)) == [
        OrderSummary("order-1", "T", "алиса", "meest", given.date_created, "USD", 1817, 3)
    ]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (OrderFilter(customer_id="alice"), ["c", "a"]),
        (OrderFilter(track_number="T1"), ["b", "a"]),
        (OrderFilter(customer_id="alice", track_number="T1"), ["a"]),
        (OrderFilter(customer_id="ALICE"), []),
        (OrderFilter(created_from=at(2)), ["c", "b"]),
        (OrderFilter(created_before=at(2)), ["a"]),
        (OrderFilter(created_from=at(2), created_before=at(3)), ["b"]),
        (OrderFilter("alice", "T2", at(1), at(4)), ["c"]),
    ],
)
def test_a_search_finds_what_all_filters_admit(
    repository: OrderRepository, wanted: OrderFilter, expected: list[str]
) -> None:
    repository.save(
        [
            record("a", customer_id="alice", track_number="T1", date_created=at(1)),
            record("b", customer_id="bob", track_number="T1", date_created=at(2)),
            record("c", customer_id="alice", track_number="T2", date_created=at(3)),
        ]
    )
    assert uids(list(repository.search(wanted, 10, None))) == expected
    if expected:
        assert uids(list(repository.search(wanted, 1, None))) == expected[:1]


def test_orders_of_the_first_and_last_moment_are_listed(repository: OrderRepository) -> None:
    last = datetime.max.replace(tzinfo=UTC)
    first = datetime(1970, 1, 1, tzinfo=UTC)
    repository.save([record("first", date_created=first), record("z", date_created=last)])
    assert uids(list(repository.search(ANY, 10, None))) == ["z", "first"]
    assert [uid for page in repository.newest(9, 1) for uid, _ in page] == ["z", "first"]


def test_uids_are_told_apart_by_case_and_ordered_by_their_bytes(
    repository: OrderRepository,
) -> None:
    given = ["A", "a", "B", "b", "-", "_", ".", ":", "0"]
    repository.save([record(uid, date_created=MORNING) for uid in sorted(given)])
    assert uids(list(repository.search(ANY, 20, None))) == sorted(given, reverse=True)


def test_where_stored_orders_came_from_is_told(
    repository: OrderRepository, standings: Standings
) -> None:
    repository.save([record("a", 7, partition=3), record("b", 8, stream=None)])
    found = standings.standings(["a", "b", "nobody"])
    assert {uid: (each.digest, each.source) for uid, each in found.items()} == {
        "a": (record("a").document.digest, Source(STREAM, 3, 7)),
        "b": (record("b").document.digest, Source(None, 0, 8)),
    }
    first = found["a"].stored_at
    save(repository, record("a", 9, partition=3))
    assert standings.standings(["a"])["a"] == found["a"]
    save(repository, record("a", 10, partition=3, locale="ru"))
    newer = standings.standings(["a"])["a"]
    assert newer.source.offset == 10
    assert newer.stored_at >= first
    assert standings.standings(["nobody"]) == {}
