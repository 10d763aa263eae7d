"""Dead letters read, masked, searched and replayed, without a broker."""

import contextlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import click
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_service.cli import letter_text
from order_service.cli.letter_options import chosen_topic
from order_service.cli.moments import milliseconds, rfc3339
from order_service.config import Config
from order_service.contexts.orders.dead_letter_content import dead_letter_topic, masked_order
from order_service.contexts.orders.errors import InvalidOrderError
from order_service.contexts.orders.settings import OrdersSettings
from order_service.infra.kafka.ranges import Range
from order_service.messaging.dead_letters import DeadLetterTopic
from order_service.messaging.dead_letters.masking import key_text, printable
from order_service.messaging.dead_letters.record import (
    Letter,
    LetterId,
    fault_lines,
    letter_of,
    marked,
)
from order_service.messaging.dead_letters.replay import Action, Replay, Resent
from order_service.messaging.dead_letters.search import DeadLetterLog, Wanted
from tests.builders import as_json, order

GOOD = msgspec.json.encode(order("good"))


def topic_of(settings: OrdersSettings) -> DeadLetterTopic:
    return dead_letter_topic(Config(own={"orders": settings}))


ORDERS = topic_of(OrdersSettings(max_message_bytes=4096))


class Stored(NamedTuple):
    """A record of the dead-letter topic."""

    offset: int
    value: bytes | None = b"{"
    key: bytes | None = b"key"
    headers: Sequence[tuple[str, bytes]] = ()
    partition: int = 0
    timestamp: int = 1_700_000_000_000


def rejected(offset: int, value: bytes | None = b"{", **parts: Any) -> Stored:  # noqa: ANN401 - fields
    told = parts.pop("headers", {"reason": b"invalid_json", "source-partition": b"1"})
    return Stored(offset, value, headers=list(told.items()))._replace(**parts)


def letter(value: bytes | None = GOOD, **headers: bytes) -> Letter:
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    found = letter_of(rejected(5, value, headers={"reason": b"odd", **names}))
    assert found
    return found


def mark(offset: int, letter_id: str, partition: int = 0) -> Stored:
    return Stored(offset, None, partition=partition, headers=[("replayed", letter_id.encode())])


class Topic:
    """A dead-letter topic in memory; remembers what was read of it."""

    def __init__(self, *records: Stored) -> None:
        self._records = records
        self.asked: list[Range] = []

    def extent(self) -> Sequence[Range]:
        ends: dict[int, int] = {}
        for record in self._records:
            ends[record.partition] = max(ends.get(record.partition, 0), record.offset + 1)
        return [Range(partition, 0, end) for partition, end in sorted(ends.items())]

    def read(self, ranges: Iterable[Range]) -> Iterator[Stored]:
        for partition, start, stop in ranges:
            self.asked.append(Range(partition, start, stop))
            for record in self._records:
                if record.partition == partition and start <= record.offset < stop:
                    yield record


def test_an_id_reads_as_it_is_written() -> None:
    assert LetterId.parse("3-1042") == LetterId(3, 1042)
    assert str(LetterId(3, 1042)) == "3-1042"


@pytest.mark.parametrize("text", ["", "3", "3-", "-1-2", "3-1042 ", "a-b", "3-\u0661", "1-2-3"])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no id of a dead letter"):
        LetterId.parse(text)


def test_a_mark_is_no_letter() -> None:
    assert letter_of(mark(9, "0-5")) is None
    assert marked(mark(9, "0-5")) == LetterId(0, 5)
    assert marked(rejected(1)) is None
    assert marked(Stored(1, headers=[("replayed", b"\xff")])) is None


def test_headers_of_anybody_are_read_without_an_error() -> None:
    odd = letter(None, faults=b"\xff{", source_partition=b"one", source_topic=b"\xff")
    assert odd.faults == {"_message": ["\\xff{"]}
    assert odd.number("source-partition") is None
    assert odd.source_topic == "\\xff"
    assert letter_of(Stored(0)) is not None


def test_a_letter_tells_whether_the_body_was_null_or_left_out() -> None:
    assert letter(b"", body_null=b"true").body is None
    assert letter(b"").body == b""
    assert letter(b"", body_omitted=b"9").omitted


def test_faults_are_lines_with_the_path_of_the_field() -> None:
    faults = {"items": {"0": {"price": ["Bad.", "Worse."]}}, "_message": ["Whole."]}
    assert list(fault_lines(faults)) == ["items.0.price: Bad.", "items.0.price: Worse.", "Whole."]


def test_personal_values_are_masked_wherever_they_are() -> None:
    body = as_json()
    body["delivry"] = {"name": "Ivan"}
    body["track_number"] = {"phone": "123"}
    body["entry"] = ["a@b.example"]
    body["items"][0]["buyer"] = "Ivan"
    text = json.dumps(masked_order(json.dumps(body).encode()))
    for personal in [*as_json()["delivery"].values(), "Ivan", "123", "a@b.example"]:
        assert personal not in text
    assert '"amount": 1817' in text
    assert '"brand": "Vivienne Sabo"' in text
    assert '"name": "<string, 11 characters>"' in text


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'"Ivan"', "<string, 4 characters>"),
        (b"[1, 2.5, true, null]", ["<integer>", "<number>", "<boolean>", None]),
        (b'{"delivery": {"zip": 5, "city": ""}}', {"delivery": {"zip": "<integer>", "city": ""}}),
        (b'{"entry": "\\u001b[2J"}', {"entry": "\\x1b[2J"}),
    ],
)
def test_any_json_is_masked(body: bytes, shown: object) -> None:
    assert masked_order(body) == shown


def test_long_and_deep_values_are_cut() -> None:
    long = masked_order(json.dumps({"entry": "x" * 1000}).encode())
    assert isinstance(long, dict)
    assert len(long["entry"]) < 130
    json.dumps(masked_order(b'{"a":' * 200 + b"1" + b"}" * 200))


@given(st.binary(max_size=60))
def test_masking_says_only_that_something_is_no_json(body: bytes) -> None:
    with contextlib.suppress(ValueError):
        json.dumps(masked_order(body))


@given(st.text(max_size=40))
def test_printable_text_steers_no_terminal(text: str) -> None:
    assert printable(text).isprintable()


@given(st.binary(max_size=40))
def test_every_key_can_be_shown(key: bytes) -> None:
    assert key_text(key).isprintable()


def test_the_newest_letters_are_found_oldest_first() -> None:
    times = [5, 1, 4, 2, 3]
    records = [rejected(offset, timestamp=time) for offset, time in enumerate(times)]
    found = DeadLetterLog(Topic(*records, mark(5, "0-2")), ORDERS.mentions).newest(Wanted(), 3)
    assert [summary.timestamp for summary in found.letters] == [3, 4, 5]
    assert found.total == 5
    assert found.replayed == {LetterId(0, 2)}


@pytest.mark.parametrize(
    ("wanted", "offsets"),
    [
        (Wanted(), [0, 1, 2]),
        (Wanted(reasons=frozenset({"b", "c"})), [1]),
        (Wanted(since=20), [1, 2]),
        (Wanted(until=20), [0]),
        (Wanted(partition=7), [2]),
        (Wanted(key="k"), [0]),
        (Wanted(key="good"), [2]),
    ],
)
def test_every_filter_must_admit_a_letter(wanted: Wanted, offsets: list[int]) -> None:
    topic = Topic(
        rejected(0, key=b"k", timestamp=10, headers={"reason": b"a"}),
        rejected(1, timestamp=20, headers={"reason": b"b"}),
        rejected(2, GOOD, timestamp=30, headers={"reason": b"a", "source-partition": b"7"}),
        mark(3, "0-0"),
    )
    assert [
        found.id.offset for found in DeadLetterLog(topic, ORDERS.mentions).find(wanted)
    ] == offsets


def test_letters_far_apart_are_read_without_what_is_between() -> None:
    topic = Topic(*[rejected(offset) for offset in range(0, 5001, 10)])
    ids = [LetterId(0, 5000), LetterId(0, 0), LetterId(0, 20), LetterId(9, 1)]
    found = [letter.id.offset for letter in DeadLetterLog(topic, ORDERS.mentions).get(ids)]
    assert found == [0, 20, 5000]
    assert topic.asked == [Range(0, 0, 21), Range(0, 5000, 5001)]


def test_marks_are_looked_for_behind_their_letters_only() -> None:
    topic = Topic(rejected(0), rejected(1), mark(2, "0-1"), rejected(0, partition=1))
    assert DeadLetterLog(topic, ORDERS.mentions).replayed([LetterId(0, 1)]) == {LetterId(0, 1)}
    assert topic.asked == [Range(0, 1, 3)]


class Memory:
    """An Outlet that keeps what it is given."""

    def __init__(self, refused: Collection[LetterId] = ()) -> None:
        self.sent: list[Sequence[Resent]] = []
        self._refused = refused

    def publish(self, messages: Sequence[Resent]) -> Collection[LetterId]:
        self.sent.append(messages)
        return self._refused


def test_a_valid_letter_is_replayed_and_others_are_not() -> None:
    replay = Replay(Memory(), ORDERS)
    assert replay.step(letter(), set(), None).action is Action.REPLAY
    assert replay.step(letter(b"{"), set(), None).action is Action.INVALID
    assert replay.step(letter(None), set(), None).action is Action.INVALID
    assert replay.step(letter(GOOD.ljust(4097)), set(), None).action is Action.INVALID
    assert replay.step(letter(b"", body_omitted=b"9"), set(), None).action is Action.OMITTED
    assert replay.step(letter(), {LetterId(0, 5)}, None).action is Action.DONE


def test_a_repair_replaces_body_and_key() -> None:
    outlet = Memory()
    replay = Replay(outlet, ORDERS)
    repair = replay.repair(letter(b"{"), GOOD)
    assert replay.step(letter(b"{"), set(), repair).detail == "repaired as order good"
    assert [step.action for step in replay.send(iter([letter(b"{")]), repair)] == [Action.REPLAY]
    assert [(sent.key, sent.body) for sent in outlet.sent[0]] == [(b"good", GOOD)]


def test_a_repair_must_be_valid() -> None:
    with pytest.raises(InvalidOrderError):
        Replay(Memory(), ORDERS).repair(letter(b"{"), b"{}")


def test_replays_go_in_chunks_of_bounded_number_and_size() -> None:
    outlet = Memory()
    replay = Replay(outlet, ORDERS)
    assert len(list(replay.send((letter() for _ in range(250)), None))) == 250
    assert [len(chunk) for chunk in outlet.sent] == [100, 100, 50]
    outlet.sent.clear()
    big = letter(b"x" * 3_000_000)
    assert len(list(replay.send((big for _ in range(3)), None))) == 3
    assert [len(chunk) for chunk in outlet.sent] == [2, 1]


def test_what_the_topic_finds_too_large_is_told() -> None:
    replay = Replay(Memory({LetterId(0, 5)}), ORDERS)
    (step,) = replay.send(iter([letter()]), None)
    assert step.action is Action.OMITTED


LOYALTY = topic_of(
    OrdersSettings(topic="registration", dead_letter_topic="registration.dead-letters")
)
TOPICS = {"orders": ORDERS, "loyalty": LOYALTY}


@pytest.mark.parametrize(
    ("context", "topic"),
    [("loyalty", None), (None, "registration.dead-letters"), ("loyalty", LOYALTY.name)],
)
def test_of_several_topics_one_is_chosen_by_its_context_or_its_name(
    context: str | None, topic: str | None
) -> None:
    assert chosen_topic(TOPICS, context, topic) is LOYALTY


def test_without_a_choice_the_topic_of_the_first_context_is_meant() -> None:
    assert chosen_topic({"orders": ORDERS}, None, None) is ORDERS
    assert chosen_topic(TOPICS, None, None) is ORDERS


@pytest.mark.parametrize(("context", "topic"), [("shop", None), ("orders", LOYALTY.name)])
def test_a_choice_that_fits_not_exactly_one_topic_tells_which_there_are(
    context: str | None, topic: str | None
) -> None:
    with pytest.raises(click.UsageError, match=r"orders\.dead-letters \(orders\), registration"):
        chosen_topic(TOPICS, context, topic)


NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30s", NOW - 30),
        ("2h", NOW - 7200),
        ("1d", NOW - 86400),
        ("1w", NOW - 604800),
        ("2026-11-20T12:00:00Z", 1795176000),
        ("2026-11-20T12:00:00+03:00", 1795165200),
    ],
)
def test_moments_are_absolute_or_ago(text: str, moment: float) -> None:
    assert milliseconds(text, NOW) == moment * 1000


@pytest.mark.parametrize(
    "text", ["", "2x", "yesterday", "2026-11-20", "2026-11-20T12:00:00", "-2h"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is neither"):
        milliseconds(text, NOW)


def test_times_are_shown_in_utc() -> None:
    assert [rfc3339(time) for time in (0, -1, 2**62)] == ["1970-01-01T00:00:00Z", "-", "-"]


def test_a_line_of_the_list_is_one_line_whatever_a_letter_holds() -> None:
    evil = {"reason": b"a\nb", "faults": b'{"\\u001b[2J": ["x\\ny"]}', "source-topic": b"\r"}
    topic = Topic(rejected(0, key=b"\x1b]0;t\x07", headers=evil))
    (summary,) = DeadLetterLog(topic, ORDERS.mentions).newest(Wanted(), 5).letters
    assert letter_text.as_line(summary, replayed=True).isprintable()
    assert json.loads(letter_text.as_json(summary, replayed=False))["replayed"] is False
