"""Messages that are no valid order, each wrong in one way that has a name."""

import json
from collections.abc import Callable
from enum import Enum
from random import Random

from producer.message import Order, encode

_DEPTH = 20_000
_LIMIT = 1024 * 1024


class Kind(Enum):
    """What is wrong with a message."""

    NOT_JSON = "not_json"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    NOT_AN_OBJECT = "not_an_object"
    BAD_UTF8 = "bad_utf8"
    TOO_DEEP = "too_deep"
    TOO_LARGE = "too_large"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    FRACTION = "fraction"
    NOT_A_NUMBER = "not_a_number"
    NEGATIVE_AMOUNT = "negative_amount"
    HUGE_NUMBER = "huge_number"
    NO_ITEMS = "no_items"
    BAD_EMAIL = "bad_email"
    BAD_DATE = "bad_date"
    BAD_CURRENCY = "bad_currency"
    BAD_UID = "bad_uid"
    NUL_CHARACTER = "nul_character"
    LONE_SURROGATE = "lone_surrogate"


DEFAULT_KINDS = tuple(kind for kind in Kind if kind is not Kind.TOO_LARGE)
"""All but the too large: brokers refuse those by default, so they never reach the service."""


def spoil(kind: Kind, order: Order, random: Random) -> bytes:
    """Return the message that the order becomes; `order` itself is used up."""
    return _SPOILERS[kind](order, random)


def _truncated(order: Order, random: Random) -> bytes:
    value = encode(order)
    return value[: random.randrange(1, len(value))]


def _bad_utf8(order: Order, _random: Random) -> bytes:
    order["delivery"]["name"] = "@@"
    return encode(order).replace(b'"@@"', b'"\xc3\x28"')


def _too_deep(order: Order, _random: Random) -> bytes:
    nested = b"[" * _DEPTH + b"]" * _DEPTH
    return encode(order)[:-1] + b',"extra":' + nested + b"}"


def _too_large(order: Order, _random: Random) -> bytes:
    return encode(order | {"extra": "x" * _LIMIT})


def _missing_field(order: Order, random: Random) -> bytes:
    part = random.choice((order, order["delivery"], order["payment"], order["items"][0]))
    optional = {"internal_signature", "request_id"}
    del part[random.choice([name for name in part if name not in optional])]
    return encode(order)


def _wrong_type(order: Order, random: Random) -> bytes:
    part = random.choice((order, order["delivery"], order["payment"], order["items"][0]))
    part[random.choice(list(part))] = random.choice((None, True, ["a"]))
    return encode(order)


def _not_a_number(order: Order, random: Random) -> bytes:
    order["payment"]["amount"] = random.choice((float("nan"), float("inf"), float("-inf")))
    return json.dumps(order).encode()


def _lone_surrogate(order: Order, _random: Random) -> bytes:
    order["delivery"]["name"] = "\ud83d"
    return json.dumps(order).encode()


def _with(part: str | None, field: str, *choices: object) -> Callable[[Order, Random], bytes]:
    """Return a spoiler that puts one of the choices into a field."""

    def spoiler(order: Order, random: Random) -> bytes:
        (order[part] if part else order)[field] = random.choice(choices)
        return encode(order)

    return spoiler


def _verbatim(*choices: bytes) -> Callable[[Order, Random], bytes]:
    """Return a spoiler that sends one of the choices instead of the order."""
    return lambda _order, random: random.choice(choices)


_SPOILERS: dict[Kind, Callable[[Order, Random], bytes]] = {
    Kind.NOT_JSON: _verbatim(b"order shipped!", b"<order/>", b"{'order_uid': 1}", b"\x00\x01\x02"),
    Kind.EMPTY: _verbatim(b"", b"   ", b"\n"),
    Kind.TRUNCATED: _truncated,
    Kind.NOT_AN_OBJECT: _verbatim(b"[]", b"null", b"42", b'"order"', b"true"),
    Kind.BAD_UTF8: _bad_utf8,
    Kind.TOO_DEEP: _too_deep,
    Kind.TOO_LARGE: _too_large,
    Kind.MISSING_FIELD: _missing_field,
    Kind.WRONG_TYPE: _wrong_type,
    Kind.FRACTION: _with("payment", "amount", 0.5, 1817.25),
    Kind.NOT_A_NUMBER: _not_a_number,
    Kind.NEGATIVE_AMOUNT: _with("payment", "amount", -1, -(2**62)),
    Kind.HUGE_NUMBER: _with("payment", "amount", 2**63, 10**30),
    Kind.NO_ITEMS: _with(None, "items", []),
    Kind.BAD_EMAIL: _with("delivery", "email", "nobody", "a@", "@b.c", "a b@c.d", ""),
    Kind.BAD_DATE: _with(
        None, "date_created", "yesterday", "2021-13-01T00:00:00Z", "2021-11-26T06:22:19", "", "0"
    ),
    Kind.BAD_CURRENCY: _with("payment", "currency", "usd", "EURO", "$", ""),
    Kind.BAD_UID: _with(None, "order_uid", "", "a b", "x" * 65, "../../etc", "заказ"),
    Kind.NUL_CHARACTER: _with("delivery", "city", "Kiryat\x00Mozkin", "\x00"),
    Kind.LONE_SURROGATE: _lone_surrogate,
}
