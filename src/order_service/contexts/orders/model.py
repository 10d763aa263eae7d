"""The order: its fields, types and rules, defined once.

msgspec compiles these types into the decoder of the hot path; `schema` derives the
marshmallow and OpenAPI face from the same annotations, so a rule never exists twice.
The shape is the one that shops have always published: a flat order with a delivery, a
payment and at least one item.
"""

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Self

import msgspec
from msgspec import Meta, Struct

MAX_BIGINT = 2**63 - 1
"""Largest integer of a Postgres ``bigint``."""

MAX_INT = 2**31 - 1
"""Largest integer of a Postgres ``integer``."""

UID_PATTERN = r"^[A-Za-z0-9_.:-]{1,64}\Z"
EMAIL_PATTERN = r"^[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+\Z"
CURRENCY_PATTERN = r"^[A-Z]{3}\Z"

# Orders hold no cycles, so the garbage collector need not look at them (gc=False below).

_FIRST_YEAR = 1970
_EARLIEST = datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC)


def _text(description: str, example: str, *, shortest: int = 1) -> Meta:
    """Rule of a string of at most 255 characters of any script."""
    return Meta(min_length=shortest, max_length=255, description=description, examples=[example])


def _number(description: str, example: int, *, least: int = 0, most: int = MAX_BIGINT) -> Meta:
    """Rule of an integer; floats and booleans are refused by the type."""
    return Meta(ge=least, le=most, description=description, examples=[example])


def _money(description: str, example: int) -> Meta:
    """Rule of an amount of money."""
    unit = "a whole number in the unit that the shop sends, in the payment's `currency`"
    return _number(f"{description}: {unit}", example)


OrderUid = Annotated[
    str,
    Meta(
        pattern=UID_PATTERN,
        description="The order's id: 1 to 64 of letters, digits and `-_.:`",
        examples=["b563feb7b2b84b6test"],
    ),
]
"""Unique id of an order; it is also the Kafka key and leads every database key."""

Email = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=255,
        pattern=EMAIL_PATTERN,
        description="E-mail address of the recipient",
        examples=["test@gmail.com"],
    ),
]

Currency = Annotated[
    str,
    Meta(
        pattern=CURRENCY_PATTERN,
        description="ISO 4217 code: three capitals",
        examples=["USD"],
    ),
]

UtcDatetime = Annotated[
    datetime,
    Meta(
        tz=True,
        description="RFC 3339 with an offset, years 1970 to 9999; stored and served in UTC",
        examples=["2021-11-26T06:22:19Z"],
    ),
]


class Delivery(Struct, frozen=True, kw_only=True, gc=False):
    """Who receives the order, and where."""

    name: Annotated[str, _text("Name of the recipient", "Test Testov")]
    phone: Annotated[str, _text("Phone number, as the shop sent it", "+9720000000")]
    zip: Annotated[str, _text("Postal code", "2639809")]
    city: Annotated[str, _text("City", "Kiryat Mozkin")]
    address: Annotated[str, _text("Street and house", "Ploshad Mira 15")]
    region: Annotated[str, _text("Region", "Kraiot")]
    email: Email


class Payment(Struct, frozen=True, kw_only=True, gc=False):
    """How the order was paid. Amounts are integers in the unit that the shop sends."""

    transaction: Annotated[str, _text("Id of the transaction", "b563feb7b2b84b6test")]
    request_id: Annotated[str, _text("Id of the payment request", "", shortest=0)] = ""
    currency: Currency
    provider: Annotated[str, _text("Payment provider", "wbpay")]
    amount: Annotated[int, _money("Total paid", 1817)]
    payment_dt: Annotated[
        int, _number("Time of the payment, Unix seconds (UTC)", 1637907727, least=1)
    ]
    bank: Annotated[str, _text("Bank", "alpha")]
    delivery_cost: Annotated[int, _money("Price of the delivery", 1500)]
    goods_total: Annotated[int, _money("Price of all items", 317)]
    custom_fee: Annotated[int, _money("Customs fee", 0)]


class Item(Struct, frozen=True, kw_only=True, gc=False):
    """One position of the order."""

    chrt_id: Annotated[int, _number("Id of the variant", 9934930)]
    track_number: Annotated[str, _text("Track number of the parcel", "WBILMTESTTRACK")]
    price: Annotated[int, _money("Price before the sale", 453)]
    rid: Annotated[str, _text("Id of this position", "ab4219087a764ae0btest")]
    name: Annotated[str, _text("Name of the product", "Mascaras")]
    sale: Annotated[int, _number("Discount in percent of `price`", 30, most=MAX_INT)]
    size: Annotated[str, _text("Size, as the shop writes it", "0")]
    total_price: Annotated[int, _money("Price after the sale", 317)]
    nm_id: Annotated[int, _number("Id of the product", 2389212)]
    brand: Annotated[str, _text("Brand", "Vivienne Sabo")]
    status: Annotated[int, _number("Status code of the shop", 202, most=MAX_INT)]


class Order(Struct, frozen=True, kw_only=True, gc=False):
    """One order, as shops publish it and as the API serves it.

    Unknown fields are ignored. Everything is required but `internal_signature` and
    `payment.request_id`, which are empty by default.
    """

    order_uid: OrderUid
    track_number: Annotated[str, _text("Track number of the order", "WBILMTESTTRACK")]
    entry: Annotated[str, _text("Entry point of the sale", "WBIL")]
    delivery: Delivery
    payment: Payment
    items: Annotated[tuple[Item, ...], Meta(min_length=1, description="At least one item")]
    locale: Annotated[str, _text("Language of the customer, as the shop writes it", "en")]
    internal_signature: Annotated[str, _text("Signature of the shop", "", shortest=0)] = ""
    customer_id: Annotated[str, _text("Id of the customer", "test")]
    delivery_service: Annotated[str, _text("Delivery service", "meest")]
    shardkey: Annotated[str, _text("Shard key of the shop", "9")]
    sm_id: Annotated[int, _number("Id of the sales channel", 99, most=MAX_INT)]
    date_created: UtcDatetime
    oof_shard: Annotated[str, _text("Out-of-fulfilment shard", "1")]

    def __post_init__(self) -> None:
        """Bring the creation time into UTC; refuse years outside 1970 to 9999."""
        moment = self.date_created
        # Nearly every order is in UTC already: spare it the conversion, and a comparison of times.
        if moment.tzinfo is not UTC or moment.year < _FIRST_YEAR:
            msgspec.structs.force_setattr(self, "date_created", to_utc(moment))


def to_utc(moment: datetime) -> datetime:
    """Return an aware `moment` in UTC.

    Raises:
        ValueError: It lies outside the years 1970 to 9999 of UTC.
    """
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("date outside the years 1970 to 9999") from None
    if moment < _EARLIEST:
        raise ValueError("date outside the years 1970 to 9999")
    return moment


class Document(Struct, frozen=True, gc=False):
    """An order as it is served: its canonical JSON and the digest of those bytes.

    The canonical JSON is compact, in the field order of :class:`Order`, without unknown
    fields and with times in UTC, so equal orders are equal bytes wherever they come from.
    """

    digest: str
    body: bytes

    @classmethod
    def of(cls, order: Order) -> Self:
        """Return the document of `order`."""
        return cls.of_body(encode(order))

    @classmethod
    def of_body(cls, body: bytes) -> Self:
        """Return the document whose canonical JSON is `body`."""
        return cls(digest(body), body)


encode = msgspec.json.Encoder().encode
"""Encode an order as its canonical JSON."""


def digest(body: bytes) -> str:
    """Return the 128-bit digest of canonical JSON, as 32 hexadecimal digits."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()
