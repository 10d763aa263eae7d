"""Cursors of lists: whatever their description admits is understood."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_service.contexts.orders.errors import InvalidCursorError
from order_service.contexts.orders.lookup import CURSOR_PATTERN, Caches, Lookup, Page
from order_service.contexts.orders.ports import OrderFilter
from order_service.infra.local_cache import LocalCache
from tests.builders import record
from tests.fakes import MemoryCache, MemoryOrders
from tests.metrics import Metrics

_TIMES = st.datetimes(datetime(1970, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - they become aware


def lookup_of(*orders: tuple[str, datetime]) -> Lookup:
    repository = MemoryOrders()
    repository.save([record(uid, date_created=time) for uid, time in orders])
    return Lookup(repository, Caches(LocalCache(0, 1.0), MemoryCache()), Metrics().lookup)


def search(lookup: Lookup, cursor: str | None) -> Page:
    return lookup.search(OrderFilter(), 1, cursor)


@given(_TIMES)
def test_a_cursor_is_the_time_in_microseconds_and_the_uid(time: datetime) -> None:
    lookup = lookup_of(("a", time), ("b", time))
    page = search(lookup, None)
    assert page.orders[0].order_uid == "b"
    assert page.next_cursor is not None
    assert re.match(CURSOR_PATTERN, page.next_cursor)
    assert [order.order_uid for order in search(lookup, page.next_cursor).orders] == ["a"]


def test_a_cursor_is_written_as_documented() -> None:
    time = datetime(2021, 11, 26, 6, 22, 19, 7, tzinfo=UTC)
    assert search(lookup_of(("a", time), ("b", time)), None).next_cursor == "1637907739000007.b"


@given(st.from_regex(CURSOR_PATTERN, fullmatch=True))
def test_no_cursor_that_matches_its_description_is_refused(cursor: str) -> None:
    search(lookup_of(), cursor)


def test_a_time_beyond_all_years_is_as_good_as_the_last() -> None:
    lookup = lookup_of(("a", datetime(9999, 12, 31, tzinfo=UTC)))
    assert len(search(lookup, f"{10**18 - 1}.z").orders) == 1


@pytest.mark.parametrize("cursor", ["x", "1", "1.", ".a", "1.a\n", "-1.a", "1.ы", f"{10**18}.a"])
def test_other_texts_are_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursorError):
        search(lookup_of(), cursor)
