"""The log of rejected messages: where they stand and why, in few lines, without their content."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from structlog.contextvars import bound_contextvars, get_contextvars
from structlog.testing import capture_logs

from order_service.contexts.orders.errors import RejectionLimitError
from order_service.contexts.orders.ingest import Destinations, Ingest, IngestRules
from order_service.contexts.orders.ports import OrderRecord, Outcome
from order_service.contexts.orders.rejection_log import RejectionLog
from order_service.contexts.orders.rejections import NEVER, RejectionLimit
from tests.builders import Message, as_json, dead_letter, messages, order
from tests.fakes import Clock, MemoryCache, MemoryDeadLetters, MemoryOrders, Once, Told


def test_a_rejected_message_is_named_by_partition_offset_and_reason() -> None:
    with capture_logs() as lines:
        RejectionLog().add([dead_letter(7, partition=3)])
    assert lines == [
        {
            "event": "messages were rejected",
            "log_level": "warning",
            "count": 1,
            "reasons": {"invalid_json": 1},
            "topic": "orders",
            "partition": 3,
            "offset": 7,
            "positions": ["3:7"],
        }
    ]


def test_a_poisoned_topic_gets_one_line_in_ten_seconds_that_counts_all() -> None:
    clock = Clock()
    log = RejectionLog(every=10.0, clock=clock)
    with capture_logs() as lines:
        for offset in range(100):
            log.add([dead_letter(2 * offset), dead_letter(2 * offset + 1)])
            clock.now += 0.099
        clock.now += 10.0
        log.flush()
        log.flush()
    assert [line["count"] for line in lines] == [2, 198]
    assert lines[1]["offset"] == 2
    assert lines[1]["positions"] == [f"0:{offset}" for offset in range(2, 12)]


def ingest(
    limit: RejectionLimit = NEVER,
    *,
    repository: MemoryOrders | None = None,
    lanes: int = 1,
) -> Ingest:
    to = Destinations(repository or MemoryOrders(), MemoryDeadLetters(), Once(), Once())
    return Ingest(to, MemoryCache(), Told(), IngestRules(limit, lanes=lanes))


def spoilt(offset: int) -> Message:
    document: dict[str, Any] = as_json(order("uid-of-testov"))
    document["payment"]["amount"] = -1
    return Message(msgspec.json.encode(document), offset, 2, key=b"uid-of-testov")


def test_ingest_names_what_it_rejects_and_nothing_of_its_content() -> None:
    subject = ingest()
    with capture_logs() as lines:
        subject.store(subject.prepare([*messages(["a", "b"]), spoilt(2)], None))
    (line,) = lines
    assert (line["partition"], line["offset"]) == (2, 2)
    assert line["reasons"] == {"invalid_order": 1}
    assert "testov" not in str(line).lower()


def test_what_makes_consumption_pause_is_named_too() -> None:
    subject = ingest(RejectionLimit(share=0.5, window=2))
    with capture_logs() as lines, pytest.raises(RejectionLimitError):
        subject.store(subject.prepare([spoilt(0), spoilt(1)], None))
    assert lines[0]["positions"] == ["2:0", "2:1"]


class Watched(MemoryOrders):
    """Remembers what a line that is logged while it saves would say."""

    def __init__(self) -> None:
        super().__init__()
        self.contexts: list[dict[str, Any]] = []

    def save(self, records: Sequence[OrderRecord]) -> Mapping[str, Outcome]:
        self.contexts.append(get_contextvars())
        return super().save(records)


def test_what_is_logged_in_a_lane_belongs_to_the_batch() -> None:
    repository = Watched()
    subject = ingest(repository=repository, lanes=2)
    uids = [f"uid-{number}" for number in range(2 * Ingest.SMALLEST_LANE)]
    with bound_contextvars(offsets="0:0-99"):
        subject.store(subject.prepare(messages(uids), None))
    assert [context["offsets"] for context in repository.contexts] == ["0:0-99"] * 2
