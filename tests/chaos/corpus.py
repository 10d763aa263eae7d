"""Messages that try to break a consumer: what a JSON parser, a validator or Postgres may choke on.

Each entry has a name, its bytes and what must become of it: the reason of its dead letter, or
None for an order. The corpus is made here rather than kept as files, so that each entry says
what is wrong with it.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.chaos.service import ROOT

_SAMPLE = (ROOT / "tests/data/order.json").read_bytes()
_LIMIT = 1024 * 1024
_TEXTS = ("track_number", "locale", "customer_id")
_PARTS = (None, "delivery", "payment", "items")


class Poison(NamedTuple):
    """One message and its fate."""

    name: str
    value: bytes | None
    reason: str | None
    key: bytes = b"poison"


def corpus() -> list[Poison]:
    """Return the whole corpus; every order in it has a uid of its own."""
    return [
        *_syntax(),
        *_encodings(),
        *_numbers(),
        *_characters(),
        *_dates(),
        *_shapes(),
        *_sizes(),
        *_valid(),
    ]


def _order(uid: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {**json.loads(_SAMPLE), "order_uid": uid, **changes}


def _json(order: dict[str, Any]) -> bytes:
    return json.dumps(order, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _raw(uid: str, field: str, text: str) -> bytes:
    """Return an order with `text`, be it JSON or not, as the value of a field."""
    order = _order(uid)
    part = order if field in order else order["payment"]
    part[field] = "@@"
    return _json(order).replace(b'"@@"', text.encode())


def _syntax() -> Iterator[Poison]:
    good = _json(_order("syntax"))
    for cut in (1, 2, 17, len(good) // 2, len(good) - 1):
        yield Poison(f"cut after {cut} bytes", good[:cut], "invalid_json")
    texts = {
        "no JSON": b"hello",
        "two objects": good + good,
        "a trailing comma": good[:-1] + b",}",
        "single quotes": good.replace(b'"', b"'"),
        "a comment": good[:-1] + b"/* */}",
        "an unquoted key": b"{order_uid: 1}",
        "only white space": b" \n\t",
        "trailing garbage": good + b"\x01",
        "a control character": good.replace(b"Test Testov", b"Test\nTestov"),
        "a bad escape": good.replace(b"Test Testov", b"Test\\xTestov"),
        "half a surrogate escape": good.replace(b"Test Testov", b"\\ud83"),
        "brackets only": b"[" * 31,
    }
    for name, value in texts.items():
        yield Poison(name, value, "invalid_json")
    yield Poison("nothing", None, "empty")
    yield Poison("no bytes", b"", "empty")


def _encodings() -> Iterator[Poison]:
    good = _json(_order("encoding"))
    for name, bad in {
        "a broken sequence": b"\xc3\x28",
        "a lone continuation": b"\x80",
        "an overlong slash": b"\xc0\xaf",
        "an encoded surrogate": b"\xed\xa0\x80",
        "beyond Unicode": b"\xf4\x90\x80\x80",
        "0xFF": b"\xff",
    }.items():
        value = good.replace(b"Test Testov", b"Test" + bad)
        yield Poison(f"{name} in a name", value, "invalid_encoding")
        ignored = good[:-1] + b',"ignored":"' + bad + b'"}'
        yield Poison(f"{name} in a field that is not read", ignored, "invalid_encoding")
    yield Poison("UTF-16", good.decode().encode("utf-16"), "invalid_encoding")
    yield Poison("a byte order mark", b"\xef\xbb\xbf" + good, "invalid_json")


def _numbers() -> Iterator[Poison]:
    refused = '0.5 -1 1.0 1e2 true null "1" 9223372036854775808 -9223372036854775809 [] {}'
    for text in [*refused.split(), "1" * 30, "-" + "9" * 400, "1e400"]:
        value = _raw("number", "amount", text)
        reason = "invalid_json" if text == "1e400" else "invalid_order"
        yield Poison(f"an amount of {text[:40]}", value, reason)
    for text in ("NaN", "Infinity", "-Infinity", "01", "+1", "0x10", ".5", "1_000", "--1"):
        yield Poison(f"a number written {text}", _raw("number", "amount", text), "invalid_json")
    for text in ("2147483648", "-1"):
        yield Poison(f"an sm_id of {text}", _raw("number", "sm_id", text), "invalid_order")
    yield Poison("a payment before time", _raw("number", "payment_dt", "0"), "invalid_order")


def _characters() -> Iterator[Poison]:
    for part in _PARTS:
        for escape in ("\\u0000", "\\ud800", "\\udfff", "\\udc00\\ud800"):
            order = _order("character")
            place = order if part is None else order[part]
            place = place[0] if isinstance(place, list) else place
            place["track_number" if part in (None, "items") else _text_of(part)] = "@@"
            value = _json(order).replace(b"@@", escape.encode())
            # What is no character at all is no JSON text either, says the decoder.
            reason = "invalid_order" if escape == "\\u0000" else None
            yield Poison(f"{escape} in {part or 'the order'}", value, reason or "invalid_json")


def _text_of(part: str) -> str:
    return {"delivery": "city", "payment": "bank"}[part]


def _dates() -> Iterator[Poison]:
    for text in (
        "",
        "yesterday",
        "2021-11-26",
        "2021-11-26T06:22:19",
        "2021-02-29T00:00:00Z",
        "2021-11-26T24:00:00Z",
        "2021-11-26T06:60:00Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "9999-12-31T23:59:59-00:01",
        "-0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "infinity",
        "now",
    ):
        value = _json(_order("date", date_created=text))
        yield Poison(f"created {text!r}", value, "invalid_order")


def _shapes() -> Iterator[Poison]:
    for value in (b"null", b"1", b'"text"', b"[]", b"{}", b"true", b"[{}]"):
        yield Poison(f"the JSON value {value.decode()}", value, "invalid_order")
    for field in json.loads(_SAMPLE):
        if field != "internal_signature":
            order = _order("shape")
            del order[field]
            yield Poison(f"no {field}", _json(order), "invalid_order")
            yield Poison(f"{field} null", _json(_order("shape") | {field: None}), "invalid_order")
    for uid in ("", "x" * 65, "a b", "../x", "заказ", "a\x00b", "a\n"):
        yield Poison(f"the uid {uid[:9]!r}", _json(_order(uid)), "invalid_order")
    lists: tuple[Any, ...] = ([], [None], [{}], {}, [[]])
    for items in lists:
        yield Poison(f"items {items}", _json(_order("shape", items=items)), "invalid_order")


def _sizes() -> Iterator[Poison]:
    yield Poison("one byte too many", _padded("big", _LIMIT + 1), "too_large")
    yield Poison("256 characters", _json(_order("long", track_number="x" * 256)), "invalid_order")
    for depth in (2_000, 10_000, 100_000):
        nested = b"[" * depth + b"]" * depth
        value = _json(_order("deep"))[:-1] + b',"extra":' + nested + b"}"
        yield Poison(f"{depth} levels", value, "too_deep")
        objects = b'{"a":' * depth + b"1" + b"}" * depth
        yield Poison(f"{depth} objects", objects, "too_deep")
    many = _json(_order("many", items=[{}] * 5_000))
    yield Poison("thousands of faults", many, "invalid_order")
    yield Poison("a key of 8 KB", b"{", "invalid_json", key=b"k" * 8192)
    yield Poison("a key that is no text", b"{", "invalid_json", key=b"\xff\x00\xfe")


def _padded(uid: str, size: int) -> bytes:
    """Return a valid order of exactly `size` bytes."""
    order = _json(_order(uid))[:-1] + b',"extra":"'
    return order + b"x" * (size - len(order) - 2) + b'"}'


def _valid() -> Iterator[Poison]:
    """Yield orders that look odd but are none the worse for it."""
    orders = {
        "limit": _padded("v-limit", _LIMIT),
        "near-limit": _padded("v-near-limit", _LIMIT - 1),
        "first-moment": _json(_order("v-first", date_created="1970-01-01T00:00:00Z")),
        "last-moment": _json(_order("v-last", date_created="9999-12-31T23:59:59.999999Z")),
        "offset": _json(_order("v-offset", date_created="2021-11-26T06:22:19+14:00")),
        "largest": _raw("v-largest", "amount", str(2**63 - 1)),
        "zero": _raw("v-zero", "amount", "0"),
        "emoji": _json(_order("v-emoji", customer_id="👩‍👩‍👧 \U0010ffff")),
        "escaped-emoji": json.dumps(_order("v-escaped", customer_id="👩")).encode(),
        "controls": _json(_order("v-controls", customer_id="\x01\x7f\u2028\ufeff")),
        "longest-text": _json(_order("v-longest", customer_id="ж" * 255)),
        "unknown-fields": _json(_order("v-unknown", extra={"a": [1, 2, {"b": None}]})),
        "space-around": b"\n  " + _json(_order("v-space")) + b"\n",
        "duplicate-keys": b'{"order_uid":"v-other",' + _json(_order("v-duplicate-keys"))[1:],
        "many-items": _json(_order("v-items", items=json.loads(_SAMPLE)["items"] * 2_000)),
        "sql": _json(_order("v-sql", customer_id="'; DROP TABLE orders.orders; --")),
    }
    for name, value in orders.items():
        yield Poison(name, value, None)
