import json
import re
import unicodedata
from collections import Counter
from datetime import UTC, datetime, timedelta
from time import process_time
from typing import Any

import pytest

from producer.faults import DEFAULT_KINDS, Kind
from producer.generator import Mix, OrderGenerator
from producer.message import Message, encode

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
OPTIONAL = {"internal_signature", "request_id"}
TEMPLATE = OrderGenerator(0, NOW).order()


def generator(seed: int = 1, **mix: Any) -> OrderGenerator:  # noqa: ANN401  the fields of Mix
    return OrderGenerator(seed, NOW, Mix(**mix))


def texts_of(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for part in value.values() for text in texts_of(part)]
    if isinstance(value, list):
        return [text for part in value for text in texts_of(part)]
    return [value] if isinstance(value, str) else []


def faults_of(order: Any) -> set[str]:  # noqa: ANN401  anything that JSON can say
    """What the description of an order says against this one, told in the names of `Kind`."""
    if not isinstance(order, dict):
        return {"not_an_object"}
    if wrongly_typed(order, TEMPLATE):
        return {"wrong_type"}
    missing = {
        *(set(TEMPLATE) - set(order)),
        *(set(TEMPLATE["delivery"]) - set(order.get("delivery") or {})),
        *(set(TEMPLATE["payment"]) - set(order.get("payment") or {})),
        *(set(TEMPLATE["items"][0]) - set((order.get("items") or TEMPLATE["items"])[0])),
    } - OPTIONAL
    if missing:
        return {"missing_field"}
    payment, delivery, texts = order["payment"], order["delivery"], texts_of(order)
    checks = {
        "fraction": payment["amount"] != int(payment["amount"]) or payment["amount"] == 0.5,
        "negative_amount": payment["amount"] < 0,
        "huge_number": payment["amount"] > 2**63 - 1,
        "no_items": not order["items"],
        "bad_email": not EMAIL.fullmatch(delivery["email"]),
        "bad_date": not is_moment(order["date_created"]),
        "bad_currency": not re.fullmatch("[A-Z]{3}", payment["currency"]),
        "bad_uid": not re.fullmatch("[A-Za-z0-9_.:-]{1,64}", order["order_uid"]),
        "nul_character": any("\0" in text for text in texts),
        "lone_surrogate": any(re.search("[\ud800-\udfff]", text) for text in texts),
    }
    return {name for name, wrong in checks.items() if wrong}


def wrongly_typed(value: object, like: object) -> bool:
    if isinstance(like, dict):
        return not isinstance(value, dict) or any(
            wrongly_typed(value[name], part) for name, part in like.items() if name in value
        )
    if isinstance(like, list):
        return not isinstance(value, list) or any(wrongly_typed(part, like[0]) for part in value)
    return type(value) is not type(like) and not (type(value) is float and type(like) is int)


def is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None and "T" in text
    except ValueError:
        return False


def test_the_same_seed_makes_the_same_messages_and_another_one_others() -> None:
    mix = {"invalid": 0.2, "duplicates": 0.2, "changed": 0.2}
    first, second, other = (generator(seed, **mix) for seed in (7, 7, 8))
    messages = [first.message() for _ in range(500)]
    assert messages == [second.message() for _ in range(500)]
    assert messages[0] != other.message()


def test_every_order_agrees_with_the_description() -> None:
    orders = generator()
    assert not set().union(*(faults_of(orders.order()) for _ in range(2000)))


def test_the_sums_of_every_order_agree() -> None:
    orders = generator()
    for order in (orders.order() for _ in range(2000)):
        payment, items = order["payment"], order["items"]
        for item in items:
            assert item["total_price"] == item["price"] * (100 - item["sale"]) // 100
            assert item["track_number"] == order["track_number"]
        assert payment["goods_total"] == sum(item["total_price"] for item in items)
        parts = ("goods_total", "delivery_cost", "custom_fee")
        assert payment["amount"] == sum(payment[part] for part in parts)
        assert payment["transaction"] == order["order_uid"]


def test_orders_are_no_older_than_the_spread_and_no_newer_than_now() -> None:
    orders = OrderGenerator(1, NOW, spread=timedelta(minutes=5))
    for order in (orders.order() for _ in range(500)):
        created = datetime.fromisoformat(order["date_created"])
        assert NOW - timedelta(minutes=5, seconds=1) <= created <= NOW
        assert abs(order["payment"]["payment_dt"] - created.timestamp()) <= 1


def test_orders_vary_in_script_size_currency_and_form_of_the_date() -> None:
    source = generator()
    orders = [source.order() for _ in range(500)]
    names = " ".join(order["delivery"]["name"] for order in orders)
    for script in ("LATIN", "CYRILLIC", "HEBREW", "CJK", "ARABIC"):
        assert any(unicodedata.name(letter).startswith(script) for letter in names)
    assert {len(order["items"]) for order in orders} >= {1, 2, 3, 8}
    assert len({order["payment"]["currency"] for order in orders}) >= 5
    assert {order["date_created"][19:20] for order in orders} >= {"Z", ".", "+", "-"}


def test_no_two_orders_share_a_uid() -> None:
    orders = generator()
    assert len({orders.order()["order_uid"] for _ in range(5000)}) == 5000


def test_a_valid_message_is_keyed_by_its_uid_and_at_most_a_few_kilobytes() -> None:
    messages = generator()
    for message in (messages.message() for _ in range(500)):
        assert message.key.decode() == json.loads(message.value)["order_uid"]
        assert len(message.value) < 8192
        assert (message.valid, message.kind) == (True, "order")


def test_the_shares_of_the_mix_come_true() -> None:
    messages = generator(invalid=0.3, duplicates=0.2, changed=0.1)
    kinds = Counter(
        message.kind if message.valid else "invalid"
        for message in (messages.message() for _ in range(5000))
    )
    for kind, share in {"invalid": 0.3, "duplicate": 0.2, "changed": 0.1, "order": 0.4}.items():
        assert abs(kinds[kind] / 5000 - share) < 0.03


def test_a_duplicate_repeats_the_newest_bytes_of_its_uid_and_a_change_differs() -> None:
    messages = generator(duplicates=0.4, changed=0.4)
    newest: dict[bytes, Message] = {}
    for message in (messages.message() for _ in range(3000)):
        if message.kind == "order":
            assert message.key not in newest
        else:
            assert (message.value == newest[message.key].value) is (message.kind == "duplicate")
        assert not faults_of(json.loads(message.value))
        newest[message.key] = message


@pytest.mark.parametrize("kind", [kind.value for kind in Kind])
def test_each_kind_of_fault_is_what_it_says_and_nothing_else(kind: str) -> None:
    messages = generator()
    for message in (messages.invalid(Kind(kind)) for _ in range(100 if kind != "too_large" else 2)):
        assert (message.valid, message.kind) == (False, kind)
        assert fault_of_bytes(message.value) == kind


def fault_of_bytes(value: bytes) -> str:
    if len(value) > 1024 * 1024:
        return "too_large"
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return "bad_utf8" if value.endswith(b"}") else "truncated"
    return fault_of_text(text)


def fault_of_text(text: str) -> str:
    constants: list[str] = []
    if "[" * 1000 in text:
        return "too_deep"
    try:
        document = json.loads(text, parse_constant=constants.append)
    except ValueError:
        cut = text.startswith('{"') or text == "{"
        return "empty" if not text.strip() else "truncated" if cut else "not_json"
    faults = {"not_a_number"} if constants else faults_of(document)
    assert len(faults) == 1
    return faults.pop()


def test_all_kinds_but_the_too_large_are_sent_by_default() -> None:
    messages = generator(invalid=1.0)
    seen = {Kind(messages.message().kind) for _ in range(2000)}
    assert seen == set(DEFAULT_KINDS) == set(Kind) - {Kind.TOO_LARGE}


def test_an_endless_run_remembers_a_bounded_number_of_orders() -> None:
    messages = generator(duplicates=0.01)
    for _ in range(10_500):
        messages.message()
    assert len(messages._sent) == 10_000  # noqa: SLF001  memory shows nowhere else


def test_encoding_is_compact_and_keeps_scripts_readable() -> None:
    assert encode({"a": ["Ж", 1]}) == '{"a":["Ж",1]}'.encode()


def test_generating_is_no_bottleneck() -> None:
    messages = generator()
    started = process_time()
    for _ in range(2000):
        messages.message()
    assert 2000 / (process_time() - started) > 1000  # on an idle core: above 10,000
