"""The routes of the orders context, through Flask."""

import gzip
from datetime import UTC, datetime

import msgspec
import pytest
from werkzeug.test import Client

from order_service.contexts.orders.ports import Level, OrderFilter
from tests.unit.http_support import (
    CURSOR,
    DOCUMENT,
    ETAG,
    FORGED,
    SUMMARY,
    UID,
    MemoryLookup,
    client,
    json_of,
    services,
)


@pytest.mark.parametrize("level", list(Level))
def test_an_order_is_served_with_its_etag_and_the_level_that_answered(level: Level) -> None:
    answer = client(services(MemoryLookup(level))).get(f"/order/{UID}")
    assert answer.status_code == 200
    assert answer.data == DOCUMENT.body
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["ETag"] == ETAG
    assert answer.headers["X-Cache"] == level.value
    assert answer.headers["Cache-Control"] == "private, no-cache"


def test_head_has_the_headers_of_get_and_no_body() -> None:
    http = client()
    got, head = http.get(f"/order/{UID}"), http.head(f"/order/{UID}")
    assert head.data == b""
    for answer in (got, head):
        del answer.headers["X-Request-ID"]
    assert list(head.headers) == list(got.headers)


@pytest.mark.parametrize("header", [ETAG, "*", f"W/{ETAG}", f'"other", {ETAG}', f'"a",W/{ETAG}'])
def test_a_client_that_has_the_order_gets_304_without_a_body(header: str) -> None:
    answer = client().get(f"/order/{UID}", headers={"If-None-Match": header})
    assert answer.status_code == 304
    assert answer.data == b""
    assert answer.headers["ETag"] == ETAG
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "Content-Type" not in answer.headers


@pytest.mark.parametrize("header", ['"other"', "", "garbage", ETAG.strip('"'), '"', "W/*"])
def test_a_client_that_has_another_version_gets_the_order(header: str) -> None:
    answer = client().get(f"/order/{UID}", headers={"If-None-Match": header})
    assert (answer.status_code, answer.data) == (200, DOCUMENT.body)


@pytest.mark.parametrize("uid", ["a b", "x" * 65, "ы", "a%00", "a%0A", "a;b", "a'--"])
def test_a_malformed_uid_is_refused_without_a_lookup(uid: str) -> None:
    lookup = MemoryLookup()
    lookup.broken = True
    answer = client(services(lookup)).get(f"/order/{uid}")
    assert answer.status_code == 400
    assert list(json_of(answer)["errors"]["path"]) == ["order_uid"]


def test_an_unknown_order_is_not_found() -> None:
    answer = client().get("/order/unknown")
    assert answer.status_code == 404
    assert answer.headers["X-Cache"] == "miss"


def test_an_order_that_cannot_be_known_now_is_503_with_retry_after() -> None:
    lookup = MemoryLookup()
    lookup.away = True
    http = client(services(lookup))
    for path in ("/order/unknown", "/orders"):
        answer = http.get(path)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "10.1.2.3" not in answer.text


def test_a_cached_order_is_served_while_the_database_is_away() -> None:
    lookup = MemoryLookup()
    lookup.away = True
    assert client(services(lookup)).get(f"/order/{UID}").status_code == 200


def test_a_list_holds_summaries_and_the_cursor_of_the_next_page() -> None:
    answer = client().get("/orders")
    assert answer.json == {
        "orders": [
            {
                "order_uid": UID,
                "track_number": "WBILMTESTTRACK",
                "customer_id": "test",
                "delivery_service": "meest",
                "date_created": "2021-11-26T06:22:19Z",
                "currency": "USD",
                "amount": 1817,
                "item_count": 1,
            }
        ],
        "next_cursor": CURSOR,
    }
    assert answer.headers["Cache-Control"] == "no-store"


def test_filters_reach_the_lookup_in_utc() -> None:
    lookup = MemoryLookup()
    query = {
        "customer_id": "Анна",
        "track_number": "T1",
        "created_from": "2021-11-26T09:22:19+03:00",
        "created_before": "2021-11-27T00:00:00Z",
        "limit": "7",
        "cursor": CURSOR,
    }
    assert client(services(lookup)).get("/orders", query_string=query).status_code == 200
    wanted = OrderFilter(
        "Анна",
        "T1",
        datetime(2021, 11, 26, 6, 22, 19, tzinfo=UTC),
        datetime(2021, 11, 27, tzinfo=UTC),
    )
    assert lookup.searches == [(wanted, 7, CURSOR)]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("limit=٣", "limit"),
        ("limit=1_0", "limit"),
        ("limit=%205", "limit"),
        ("limit=1&limit=2", "limit"),
        ("limit=1&limit=1", "limit"),
        ("customer_id=a&customer_id=b", "customer_id"),
        ("limit=99999999999999999999", "limit"),
        ("customer_id=", "customer_id"),
        ("customer_id=a%00b", "customer_id"),
        ("track_number=" + "x" * 256, "track_number"),
        ("created_from=2021-11-26T06:22:19", "created_from"),
        (f"cursor={FORGED}", "cursor"),
        ("cursor=bmV4dA", "cursor"),
        (f"cursor={CURSOR}%0A", "cursor"),
        ("cursor=", "cursor"),
        ("custmer_id=test", "custmer_id"),
    ],
)
def test_a_bad_parameter_is_named(query: str, parameter: str) -> None:
    answer = client().get(f"/orders?{query}")
    assert answer.status_code == 400
    assert list(json_of(answer)["errors"]["query"]) == [parameter]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("0001-01-01T00:00:00+23:59", datetime(1970, 1, 1, tzinfo=UTC)),
        ("1969-12-31T23:59:59Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59-01:00", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_a_time_that_no_order_can_have_means_the_nearest_bound(given: str, meant: datetime) -> None:
    lookup = MemoryLookup()
    query = {"created_before": given}
    assert client(services(lookup)).get("/orders", query_string=query).status_code == 200
    assert lookup.searches[0][0].created_before == meant


def test_all_bad_parameters_are_named_at_once() -> None:
    faults = json_of(client().get("/orders?limit=0&created_from=x&y=1"))["errors"]["query"]
    assert set(faults) == {"limit", "created_from", "y"}


def test_the_body_is_the_canonical_json() -> None:
    assert client().get(f"/order/{UID}").json == msgspec.json.decode(DOCUMENT.body)


def long_list() -> Client:
    lookup = MemoryLookup()
    lookup.found = [SUMMARY] * 20
    return client(services(lookup))


@pytest.mark.parametrize("accepts", ["gzip", "gzip, br", "br;q=1, gzip;q=0.1", "*", "GZIP"])
def test_a_long_list_is_compressed_for_clients_that_take_it(accepts: str) -> None:
    http = long_list()
    plain, packed = http.get("/orders"), http.get("/orders", headers={"Accept-Encoding": accepts})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data) / 4
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert packed.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("accepts", [None, "", "br", "gzip;q=0", "identity", "*;q=0", "gzi"])
def test_other_clients_get_the_list_as_it_is(accepts: str | None) -> None:
    headers = {} if accepts is None else {"Accept-Encoding": accepts}
    answer = long_list().get("/orders", headers=headers)
    assert "Content-Encoding" not in answer.headers
    assert len(json_of(answer)["orders"]) == 20


def test_a_short_list_is_not_worth_compressing_and_still_varies() -> None:
    answer = client().get("/orders", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Vary"] == "Accept-Encoding"
