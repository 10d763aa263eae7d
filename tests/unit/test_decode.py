"""Messages become orders, or all that is wrong with them; both faces of the model agree."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from order_service.contexts.orders.decode import MAX_DEPTH, MAX_MESSAGE_BYTES, decode
from order_service.contexts.orders.errors import InvalidOrderError
from order_service.contexts.orders.model import Order, digest, encode
from order_service.contexts.orders.schema import OrderSchema, faults_of
from tests.builders import CANONICAL, as_json, canonical
from tests.strategies import json_values, orders, spoiled, suspects

RAW = CANONICAL.read_bytes()


def dump(value: object) -> bytes:
    """JSON as lenient programs write it: NaN, lone surrogates and all."""
    return json.dumps(value).encode()


def refusal(raw: bytes | None) -> InvalidOrderError:
    with pytest.raises(InvalidOrderError) as caught:
        decode(raw)
    return caught.value


def verdict(raw: bytes) -> InvalidOrderError | None:
    """What is wrong with a message, None if it is an order."""
    try:
        decode(raw)
    except InvalidOrderError as error:
        return error
    return None


def changed(path: str, value: object) -> bytes:
    """The canonical order with one field changed, named as `payment.amount` or `items.0.sale`."""
    document: Any = as_json()
    part = document
    *parents, name = [int(step) if step.isdigit() else step for step in path.split(".")]
    for parent in parents:
        part = part[parent]
    part[name] = value
    return dump(document)


def test_the_canonical_sample_is_an_order() -> None:
    order = decode(RAW)
    assert order.order_uid == "b563feb7b2b84b6test"
    assert order.items[0].brand == "Vivienne Sabo"
    assert order.date_created == datetime(2021, 11, 26, 6, 22, 19, tzinfo=UTC)
    assert json.loads(encode(order)) == json.loads(RAW)


def test_the_canonical_json_keeps_the_order_of_the_fields() -> None:
    assert encode(decode(RAW)) == json.dumps(json.loads(RAW), separators=(",", ":")).encode()


@settings(max_examples=150)
@given(orders())
def test_a_valid_order_survives_encoding_unchanged(document: dict[str, Any]) -> None:
    order = decode(dump(document))
    assert encode(decode(encode(order))) == encode(order)


@settings(max_examples=150)
@given(orders())
def test_both_faces_accept_valid_orders(document: dict[str, Any]) -> None:
    assert faults_of(document) == {}
    loaded = OrderSchema().load(document)
    assert encode(msgspec.convert(loaded, Order)) == encode(decode(dump(document)))


def assert_that_both_faces_agree(document: object) -> None:
    """Accept or refuse alike; who refuses names faults, who accepts stores what was sent."""
    raw = dump(document)
    error = verdict(raw)
    if error is None:
        assert faults_of(msgspec.json.decode(raw)) == {}
    elif error.reason == "invalid_order":
        # Not merely the decoder's own word for want of a fault: marshmallow found it, too.
        assert error.faults == faults_of(msgspec.json.decode(raw)) != {}
    else:
        assert error.faults


@settings(max_examples=200)
@given(spoiled())
def test_both_faces_agree_about_orders_that_are_a_little_wrong(document: dict[str, Any]) -> None:
    assert_that_both_faces_agree(document)


REQUIRED = as_json().keys() - {"internal_signature"}
PATHS = [
    *(name for name in as_json() if name not in {"delivery", "payment", "items"}),
    *("delivery", "payment", "items", "items.0"),
    *(f"delivery.{name}" for name in as_json()["delivery"]),
    *(f"payment.{name}" for name in as_json()["payment"]),
    *(f"items.0.{name}" for name in as_json()["items"][0]),
]


@settings(max_examples=400)
@given(st.sampled_from(PATHS), suspects)
@example("payment.amount", 10**400)
@example("date_created", "9999-12-31T23:59:59.9999999Z")
@example("delivery.name", "\ud83d")
def test_both_faces_agree_about_any_value_in_any_field(path: str, value: object) -> None:
    assert_that_both_faces_agree(json.loads(changed(path, value)))


@settings(max_examples=100)
@given(json_values)
def test_both_faces_agree_about_arbitrary_json(document: object) -> None:
    assert_that_both_faces_agree(document)


@settings(max_examples=200)
@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
@example(b"{}")
@example(b' {"customer_id": "test", "locale": 0}')
@example(b'{"_message": "none"}')
def test_arbitrary_bytes_are_no_order_and_no_crash(raw: bytes) -> None:
    error = refusal(raw)
    document = msgspec.json.decode(raw) if error.reason == "invalid_order" else None
    if not isinstance(document, dict):
        assert error.faults.keys() == {"_message"}
        assert error.faults["_message"]
        return
    # The bytes happen to be a JSON object: each field has its own fault. They are too few for all.
    missing = REQUIRED - document.keys()
    assert missing
    assert missing <= error.faults.keys() <= as_json().keys()
    assert all(error.faults[name] == ["Missing data for required field."] for name in missing)


@settings(max_examples=200)
@given(st.integers(0, len(RAW) - 1), st.binary(max_size=3))
def test_a_message_with_bytes_overwritten_is_an_order_or_refused(place: int, patch: bytes) -> None:
    raw = RAW[:place] + patch + RAW[place + len(patch) :]
    error = verdict(raw)
    assert error is None or error.faults


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b" ", "invalid_json"),
        (b"order shipped!", "invalid_json"),
        (RAW[:-2], "invalid_json"),
        (RAW + b"{}", "invalid_json"),
        (RAW.replace(b"1817", b"NaN"), "invalid_json"),
        (RAW.replace(b"1817", b"Infinity"), "invalid_json"),
        (RAW.replace(b"1817", b"0x10"), "invalid_json"),
        (RAW.replace(b"1817", b"01817"), "invalid_json"),
        (RAW.replace(b"Test Testov", b"\\ud83d"), "invalid_json"),
        (RAW.replace(b"Test Testov", b"\xc3\x28"), "invalid_encoding"),
        (RAW.decode().encode("utf-16"), "invalid_encoding"),
        (b"[]", "invalid_order"),
        (b"null", "invalid_order"),
        (b'"order"', "invalid_order"),
        (b"{}", "invalid_order"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 100_000, "too_deep"),
        (b" " * (MAX_MESSAGE_BYTES + 1), "too_large"),
    ],
)
def test_a_refusal_has_a_stable_reason(raw: bytes | None, reason: str) -> None:
    assert refusal(raw).reason == reason


def test_a_message_of_the_largest_size_is_an_order() -> None:
    assert decode(RAW + b" " * (MAX_MESSAGE_BYTES - len(RAW))) == canonical()


def test_the_size_limit_is_the_callers() -> None:
    assert decode(RAW, len(RAW)) == canonical()
    with pytest.raises(InvalidOrderError, match="too_large"):
        decode(RAW, len(RAW) - 1)


def test_unknown_fields_are_ignored_wherever_they_stand() -> None:
    for path in ("new", "delivery.new", "payment.new", "items.0.new"):
        assert encode(decode(changed(path, {"deep": [1, None]}))) == encode(canonical())


@pytest.mark.parametrize("depth", [1, MAX_DEPTH, 300, 5_000, 200_000])
@pytest.mark.parametrize("text", ["", "\\u0000", "\\\\"])
def test_nesting_in_unknown_fields_is_an_order_or_refused_at_any_depth(
    depth: int, text: str
) -> None:
    nested = b"[" * depth + b'"%b"' % text.encode() + b"]" * depth
    raw = RAW.rstrip()[:-1] + b',"unknown":' + nested + b"}"
    error = verdict(raw)
    if error is None:
        assert encode(decode(raw)) == encode(canonical())
    else:
        assert error.reason == "too_deep"
        assert depth > MAX_DEPTH


def test_brackets_in_strings_are_no_nesting() -> None:
    name = '[{"' * 80
    assert decode(changed("delivery.name", name)).delivery.name == name
    spoiled_too = json.loads(changed("delivery.name", name)) | {"sm_id": "x"}
    assert refusal(dump(spoiled_too)).reason == "invalid_order"


def test_all_faults_are_told_at_once_nested_as_the_order_is() -> None:
    document = as_json()
    del document["entry"]
    document["delivery"]["email"] = "nobody"
    document["payment"]["amount"] = -1
    document["items"].append({"chrt_id": True})
    faults = refusal(dump(document)).faults
    assert faults["entry"] == ["Missing data for required field."]
    assert faults["delivery"].keys() == {"email"}
    assert faults["payment"].keys() == {"amount"}
    assert faults["items"].keys() == {1}
    assert faults["items"][1]["chrt_id"] == ["Not a valid integer."]
    assert len(faults["items"][1]) == 11


@pytest.mark.parametrize("value", ["a\x00b", "\x00"])
@pytest.mark.parametrize(
    "path", ["delivery.name", "items.0.name", "internal_signature", "payment.request_id"]
)
def test_nul_characters_are_a_fault(path: str, value: str) -> None:
    assert refusal(changed(path, value)).reason == "invalid_order"


def test_a_nul_character_in_an_unknown_field_is_ignored() -> None:
    assert encode(decode(changed("unknown", "a\x00b"))) == encode(canonical())


def test_an_escaped_backslash_before_u0000_is_no_nul_character() -> None:
    assert decode(changed("delivery.name", "\\u0000")).delivery.name == "\\u0000"


@pytest.mark.parametrize("path", ["internal_signature", "payment.request_id"])
def test_the_optional_fields_are_empty_by_default(path: str) -> None:
    document: Any = as_json()
    *parents, name = path.split(".")
    part = document[parents[0]] if parents else document
    part[name] = "given"
    given = decode(dump(document))
    del part[name]
    missing = decode(dump(document))
    assert missing == canonical() != given


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2021-11-26T06:22:19Z", "2021-11-26T06:22:19Z"),
        ("2021-11-26T09:22:19+03:00", "2021-11-26T06:22:19Z"),
        ("2021-11-25T22:52:19-07:30", "2021-11-26T06:22:19Z"),
        ("2021-11-26T06:22:19.500Z", "2021-11-26T06:22:19.500000Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("1969-12-31T23:00:00-01:00", "1970-01-01T00:00:00Z"),
    ],
)
def test_times_are_served_in_utc(written: str, meant: str) -> None:
    encoded = json.loads(encode(decode(changed("date_created", written))))
    assert encoded["date_created"] == meant


@pytest.mark.parametrize(
    "written",
    [
        "2021-11-26T06:22:19",
        "2021-11-26",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:30:00+01:00",
        "9999-12-31T23:30:00-01:00",
        "0001-01-01T00:00:00+23:59",
        "2021-02-29T00:00:00Z",
        "yesterday",
        1637907739,
    ],
)
def test_times_without_offset_or_out_of_range_are_a_fault(written: object) -> None:
    assert refusal(changed("date_created", written)).faults.keys() == {"date_created"}


def test_the_digest_tells_contents_apart_and_nothing_else() -> None:
    body = encode(canonical())
    assert digest(body) == digest(encode(decode(dump(as_json() | {"unknown": 1}))))
    assert digest(body) != digest(body.replace(b"1817", b"1818"))
    assert len(digest(body)) == 32
