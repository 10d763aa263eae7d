"""The envelope of messages: what is written is read, and what is none is told."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_service.messaging.envelope import JSON, Envelope
from order_service.messaging.errors import InvalidMessageError

ID = uuid4()
GOOD = {
    "id": str(ID),
    "type": "payments.settled.v1",
    "time": "2026-11-26T12:00:00.5Z",
    "content-type": JSON,
}


def parse(**changes: str | None) -> Envelope:
    names = {name.replace("_", "-"): value for name, value in changes.items()}
    told = {name: value for name, value in (GOOD | names).items() if value is not None}
    return Envelope.parse([(name, value.encode()) for name, value in told.items()])


def test_an_envelope_is_what_its_headers_tell() -> None:
    trace = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"
    noon = datetime(2026, 11, 26, 12, 0, 0, 500_000, tzinfo=UTC)
    assert parse() == Envelope(ID, "payments.settled.v1", noon, JSON)
    assert parse(traceparent=trace).traceparent == trace


def test_headers_that_are_not_of_the_envelope_are_ignored() -> None:
    others = [("x", b"\xff"), ("y", None), ("z", b"1" * 10_000)]
    given_headers = [(name, value.encode()) for name, value in GOOD.items()]
    assert Envelope.parse([*others, *given_headers]) == parse()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", None),
        ("id", ""),
        ("id", "7"),
        ("type", None),
        ("type", "x" * 300),
        ("type", "ключ"),
        ("time", None),
        ("time", "yesterday"),
        ("time", "2026-11-26T12:00:00"),
    ],
)
def test_what_is_no_envelope_is_told_by_its_header(name: str, value: str | None) -> None:
    with pytest.raises(InvalidMessageError) as refusal:
        parse(**{name: value})
    assert refusal.value.reason == "invalid_envelope"
    assert list(refusal.value.faults) == [name]


def test_a_header_without_a_value_is_told() -> None:
    with pytest.raises(InvalidMessageError):
        Envelope.parse([("id", None)])


@given(
    st.uuids(),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=100),
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - the offset comes next
    st.integers(-12, 12),
)
def test_what_is_written_is_read(id_: UUID, type_: str, time: datetime, hours: int) -> None:
    there = time.replace(tzinfo=timezone(timedelta(hours=hours)))
    envelope = Envelope(id_, type_, there, JSON)
    headers = [(name, text.encode()) for name, text in envelope.headers().items()]
    assert Envelope.parse(headers) == envelope
    assert envelope.headers()["time"].endswith("Z")


@given(st.lists(st.tuples(st.sampled_from([*GOOD, "traceparent"]), st.binary(max_size=300))))
def test_reading_headers_of_anybody_says_only_that_they_tell_no_envelope(
    headers: list[tuple[str, bytes | None]],
) -> None:
    with contextlib.suppress(InvalidMessageError):
        Envelope.parse(headers)
