"""Orders for property tests: valid ones of every kind, and ones that are a little wrong."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from order_service.contexts.orders.decode import decode
from order_service.contexts.orders.model import MAX_BIGINT, MAX_INT, Order
from tests.builders import Message, items, message

Json = Any

_UID = "ABCxyz019-_.:"
_ZONES = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda m: timezone(timedelta(minutes=m)))
_FIRST, _LAST = datetime(1970, 1, 2), datetime(9999, 12, 30, 23, 59, 59, 999999)  # noqa: DTZ001


def text(shortest: int = 1) -> st.SearchStrategy[str]:
    """Any script; no NUL and no surrogates, which Postgres cannot store."""
    letters = st.characters(exclude_characters="\x00", exclude_categories=["Cs"])
    return st.text(letters, min_size=shortest, max_size=20) | st.just("ß" * 255)


def integers(least: int = 0, most: int = MAX_BIGINT) -> st.SearchStrategy[int]:
    """All that the rule allows, its bounds often."""
    return st.sampled_from([least, most]) | st.integers(least, most)


uids = st.text(_UID, min_size=1, max_size=12) | st.just("x" * 64)

_EMAILS = st.builds("{}@{}.{}".format, *[st.text("aä9!+", min_size=1, max_size=5)] * 3)
_CURRENCIES = st.text("ABCXYZ", min_size=3, max_size=3)


@st.composite
def dates(draw: st.DrawFn) -> str:
    """RFC 3339 with an offset, years 1970 to 9999, with and without fractions."""
    moment = draw(st.datetimes(_FIRST, _LAST, timezones=_ZONES | st.just(UTC)))
    precision = draw(st.sampled_from(["seconds", "milliseconds", "microseconds"]))
    written = moment.isoformat(timespec=precision)
    return written.replace("+00:00", "Z") if draw(st.booleans()) else written


_DELIVERIES = st.fixed_dictionaries(
    {
        **{name: text() for name in ("name", "phone", "zip", "city", "address", "region")},
        "email": _EMAILS,
    }
)
_PAYMENTS = st.fixed_dictionaries(
    {
        **{name: text() for name in ("transaction", "provider", "bank")},
        **{name: integers() for name in ("amount", "delivery_cost", "goods_total", "custom_fee")},
        "currency": _CURRENCIES,
        "payment_dt": integers(1),
    },
    optional={"request_id": text(0)},
)
_ITEMS = st.fixed_dictionaries(
    {
        **{name: text() for name in ("track_number", "rid", "name", "size", "brand")},
        **{name: integers() for name in ("chrt_id", "price", "total_price", "nm_id")},
        **{name: integers(0, MAX_INT) for name in ("sale", "status")},
    }
)
_TEXTS = (
    "track_number",
    "entry",
    "locale",
    "customer_id",
    "delivery_service",
    "shardkey",
    "oof_shard",
)


def orders(uid: st.SearchStrategy[str] = uids) -> st.SearchStrategy[dict[str, Json]]:
    """Valid orders as JSON objects."""
    return st.fixed_dictionaries(
        {
            "order_uid": uid,
            **{name: text() for name in _TEXTS},
            "delivery": _DELIVERIES,
            "payment": _PAYMENTS,
            "items": st.lists(_ITEMS, min_size=1, max_size=4),
            "sm_id": integers(0, MAX_INT),
            "date_created": dates(),
        },
        optional={"internal_signature": text(0), "unknown": json_values},
    )


json_values: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)

suspects: st.SearchStrategy[Json] = json_values | st.sampled_from(
    [
        *(None, True, False, 0, 1, -1, 0.0, 1.0, 1.5, 1e300, MAX_INT, MAX_INT + 1),
        *(MAX_BIGINT, MAX_BIGINT + 1, -MAX_BIGINT - 1, 10**30, -(10**30), 10**400),
        *(float("inf"), float("nan")),
        *("", " ", "a", "1", "a" * 64, "a" * 65, "ü" * 255, "ü" * 256, "\x00", "a\x00b", "\ud83d"),
        *("a@b.c", "a@b", "a@b.", "a@.c", "a @b.c", "a@@b.c", "a@b.c\n", "ä@ö.ü", "@b.c"),
        *("USD", "usd", "USDX", "US", "USD\n", "ÄÖÜ", "order\n", "заказ", "a/b", "%00"),
        *("2021-11-26T06:22:19Z", "2021-11-26 06:22:19Z", "2021-11-26T06:22:19z"),
        *("2021-11-26T06:22:19", "2021-11-26", "2021-11-26T06:22Z", "2021-11-26T24:00:00Z"),
        *("2021-11-26T06:22:60Z", "2021-02-29T00:00:00Z", "1969-12-31T23:59:59Z"),
        *("1970-01-01T00:00:00+00:01", "1969-12-31T23:59:59-00:01", "1970-01-01T00:00:00Z"),
        *("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-00:01", "10000-01-01T00:00:00Z"),
        *("0001-01-01T00:00:00+23:59", "2021-11-26T06:22:19+24:00", "2021-11-26T06:22:19+2359"),
        *("2021-11-26T06:22:19.1234567Z", "2021-11-26T06:22:19.Z", "2021-11-26T06:22:19,5Z"),
        *("2021-11-26T06:22:19.9999999Z", "9999-12-31T23:59:59.9999999Z", "+2021-11-26T06:22:19Z"),
        *("1637907739", 1637907739, 1637907739.5, [], [[]], {}, [{}], [None], ["a"]),
    ]
)


@st.composite
def spoiled(draw: st.DrawFn) -> dict[str, Json]:
    """Orders in which one to three places are dropped, replaced or added."""
    order = draw(orders())
    for _ in range(draw(st.integers(1, 3))):
        _spoil(draw, order)
    return order


def _spoil(draw: st.DrawFn, order: dict[str, Json]) -> None:
    place = draw(st.sampled_from(_places(order)))
    if not place:
        return
    name = draw(st.sampled_from([*place, "unknown"]))
    if draw(st.booleans()):
        place[name] = draw(suspects)
    else:
        place.pop(name, None)


def _places(order: dict[str, Json]) -> list[dict[str, Json]]:
    """The objects of an order that are still objects."""
    items_ = order.get("items")
    parts = [order, order.get("delivery"), order.get("payment")]
    parts += items_ if isinstance(items_, list) else []
    return [part for part in parts if isinstance(part, dict)]


UIDS = ("a", "b", "c")
NONSENSE = b"nonsense"
_VERSIONS = st.tuples(st.sampled_from(UIDS), st.integers(0, 2) | st.none())


def topics(size: int = 12) -> st.SearchStrategy[list[Message]]:
    """What a partition holds: three orders in three versions each, and nonsense."""
    return st.lists(_VERSIONS, max_size=size).map(_written)


def _written(log: Sequence[tuple[str, int | None]]) -> list[Message]:
    return [
        Message(NONSENSE, offset)
        if version is None
        else message(uid, offset, items=items(version + 1))
        for offset, (uid, version) in enumerate(log)
    ]


deliveries = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 5)), max_size=8)
"""Sizes of batches, each with how much of it is delivered again behind it."""


def delivered(
    topic: Sequence[Message], plan: Sequence[tuple[int, int]]
) -> Iterator[Sequence[Message]]:
    """Yield batches as a consumer gets them whose commits are lost; all in the end."""
    committed = 0
    for size, again in plan:
        yield topic[committed : committed + size]
        committed = min(len(topic), committed + max(0, size - again))
    yield topic[committed:]


def last_valid(topic: Sequence[Message]) -> dict[str, Order]:
    """What a reader of the whole topic believes."""
    orders_ = [decode(each.value) for each in topic if each.value != NONSENSE]
    return {order.order_uid: order for order in orders_}
