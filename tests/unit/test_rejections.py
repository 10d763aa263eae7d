"""The limit on rejected messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_service.contexts.orders.errors import RejectionLimitError
from order_service.contexts.orders.ingest import Destinations, Ingest, IngestRules
from order_service.contexts.orders.rejections import RejectionLimit, RejectionWindow
from order_service.messaging.ports import DeadLetter
from tests.builders import Message, message
from tests.fakes import MemoryCache, MemoryDeadLetters, MemoryOrders, Once, Told

BAD = "invalid_json"


def window(share: float = 0.5, size: int = 4) -> RejectionWindow:
    return RejectionWindow(RejectionLimit(share, size))


def test_a_window_that_is_not_full_is_never_judged() -> None:
    window(size=200).judge([BAD] * 199)


def test_the_message_that_fills_a_bad_window_is_one_too_many() -> None:
    verdicts = window(size=200)
    verdicts.judge([BAD] * 199)
    with pytest.raises(RejectionLimitError):
        verdicts.judge([BAD])


def test_exactly_the_share_is_tolerated() -> None:
    window().judge([None, BAD, None, BAD, None, BAD])


def test_the_error_names_the_most_common_reasons_first() -> None:
    with pytest.raises(RejectionLimitError) as caught:
        window(size=10).judge(["a"] * 2 + ["b"] * 5 + ["c", "d"] + ["e"])
    assert caught.value.reason == (
        "10 of the last 10 messages were rejected (b 5, a 2, c 1); more than 50% are not made dead"
        " letters"
    )
    assert caught.value.causes == {"a": 2, "b": 5, "c": 1, "d": 1, "e": 1}


def test_good_messages_push_bad_ones_out() -> None:
    verdicts = window()
    verdicts.judge([BAD, BAD])
    verdicts.accepted(4)
    verdicts.judge([BAD, BAD])
    verdicts.accepted(1_000_000)
    verdicts.judge([BAD, BAD])
    with pytest.raises(RejectionLimitError):
        verdicts.judge([BAD])


def test_a_good_message_never_pauses() -> None:
    verdicts = window()
    verdicts.judge([BAD] * 3)
    verdicts.accepted(1)
    with pytest.raises(RejectionLimitError):
        verdicts.judge([BAD])


def test_a_share_of_one_is_no_limit() -> None:
    window(share=1.0).judge([BAD] * 1000)


@given(
    st.lists(st.sampled_from([None, None, "a", "b"]), max_size=60),
    st.integers(1, 8),
    st.integers(1, 7),
)
def test_batches_are_judged_as_one_stream(
    verdicts: list[str | None], size: int, batch: int
) -> None:
    limit = RejectionLimit(0.5, size)
    whole = _tripped_at(RejectionWindow(limit), [[verdict] for verdict in verdicts])
    cut = [verdicts[start : start + batch] for start in range(0, len(verdicts), batch)]
    tripped = _tripped_at(RejectionWindow(limit), cut)
    assert tripped == (None if whole is None else whole // batch)
    seen = [
        end
        for end, verdict in enumerate(verdicts, 1)
        if verdict and end >= size and _rejected(verdicts[end - size : end]) > size / 2
    ]
    assert whole == (seen[0] - 1 if seen else None)


def _rejected(verdicts: list[str | None]) -> int:
    return sum(verdict is not None for verdict in verdicts)


def _tripped_at(judge: RejectionWindow, batches: list[list[str | None]]) -> int | None:
    for index, batch in enumerate(batches):
        try:
            judge.judge(batch) if any(batch) else judge.accepted(len(batch))
        except RejectionLimitError:
            return index
    return None


class Rig:
    """Ingest with a limit of half of the last four messages."""

    def __init__(self) -> None:
        self.orders = MemoryOrders()
        self.letters = MemoryDeadLetters()
        self.told = Told()
        to = Destinations(self.orders, self.letters, Once(), Once())
        rules = IngestRules(RejectionLimit(0.5, 4), max_message_bytes=4096)
        self.ingest = Ingest(to, MemoryCache(), self.told, rules)

    def store(self, *messages: Message) -> None:
        self.ingest.store(self.ingest.prepare(messages, None))


def bad(offset: int) -> Message:
    return Message(b"no json", offset)


def test_ingest_buries_nothing_of_the_batch_that_crossed_the_limit() -> None:
    rig = Rig()
    with pytest.raises(RejectionLimitError):
        rig.store(message("a", 0), bad(1), bad(2), bad(3))
    assert rig.letters.published == []
    assert rig.told.reasons == []
    assert rig.orders.find("a") is not None


def test_ingest_goes_on_while_rejections_are_normal() -> None:
    rig = Rig()
    rig.store(message("a", 0), bad(1), message("b", 2), bad(3))
    rig.store(message("c", 4), message("d", 5))
    assert [letter.message.offset for letter in rig.letters.published] == [1, 3]


def test_what_storage_refuses_counts_as_rejected() -> None:
    rig = Rig()
    rig.orders.refused = {"a", "b", "c"}
    with pytest.raises(RejectionLimitError, match="refused_by_storage 3"):
        rig.store(message("a", 0), message("b", 1), message("ok", 2), message("c", 3))
    assert rig.letters.published == []


def test_ingest_accepts_messages_up_to_the_configured_size() -> None:
    rig = Rig()
    fitting = message("a").value or b""
    rig.store(Message(fitting.ljust(4096), 0), Message(fitting.ljust(4097), 1))
    assert [_reason(letter) for letter in rig.letters.published] == ["too_large"]
    assert rig.orders.find("a") is not None


def _reason(letter: DeadLetter) -> str:
    return letter.reason
