"""The span of a batch: when there is one, what it links to, and which commit is its own."""

from collections.abc import Sequence
from contextlib import closing
from typing import Any, NamedTuple

import pytest

from order_service.infra.kafka.offset_tracker import OffsetRanges
from order_service.infra.kafka.topic import Subscription
from order_service.infra.tracing.batches import BatchTracing
from order_service.infra.tracing.otlp import Tracer
from order_service.infra.tracing.spans import current_span
from tests.collector import Collector
from tests.unit.tracing_support import ALWAYS, NEVER, SPAN, UNSAMPLED, tracer_to


def test_ranges_name_the_first_and_last_offset_of_each_partition() -> None:
    batch = [Record(0, 5), Record(0, 6), Record(3, 1), Record(0, 9)]
    assert str(OffsetRanges(batch)) == "0:5-9 3:1-1"
    many = [Record(partition, 0) for partition in range(20)]
    assert str(OffsetRanges(many)).endswith("15:0-0 and 4 more")


class Record(NamedTuple):
    """What tracing looks at in a record."""

    partition: int = 0
    offset: int = 0
    headers: Sequence[tuple[str, bytes]] = ()


class Work:
    """A handler and an observer that do nothing, or raise."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.stored: list[Sequence[Record]] = []
        self.spans: list[object] = []

    def prepare(self, records: Sequence[Any], _stream: str | None) -> Sequence[Record]:
        self.spans.append(current_span())
        return records

    def store(self, prepared: Sequence[Record]) -> None:
        self.spans.append(current_span())
        if self.error:
            raise self.error
        self.stored.append(prepared)

    def idle(self) -> None:
        pass

    def taken(self, messages: int, size: int) -> None:
        pass

    def took(self, stage: str, seconds: float) -> None:
        pass


def run_batch(tracing: BatchTracing[Sequence[Record]], *records: Record) -> None:
    tracing.store(tracing.prepare(records, None))
    tracing.took("store", 0.1)


def batches_of(work: Work, tracer: Tracer) -> BatchTracing[Sequence[Record]]:
    return BatchTracing(work, work, tracer, Subscription("orders", "group"))


def test_a_batch_of_unrecorded_messages_is_recorded_as_often_as_the_ratio_says(
    collector: Collector,
) -> None:
    for drawn in (NEVER, ALWAYS):
        work = Work()
        with closing(tracer_to(collector, drawn)) as tracer:
            tracing = batches_of(work, tracer)
            run_batch(tracing, Record(headers=[("traceparent", UNSAMPLED.encode())]), Record())
            tracing.took("commit", 0.1)
        assert len(work.stored) == 1
        assert all(work.spans) == (drawn == ALWAYS)
    (batch,) = collector.named("process orders")
    assert not batch.links
    assert batch.service == "tested"


def test_a_batch_links_to_every_recorded_message_up_to_a_bound(collector: Collector) -> None:
    headers = [f"00-{number:032x}-{SPAN}-01" for number in range(1, 201)]
    records = [Record(0, at, [("traceparent", it.encode())]) for at, it in enumerate(headers)]
    with closing(tracer_to(collector, NEVER)) as tracer:
        tracing = batches_of(Work(), tracer)
        run_batch(tracing, *records)
        tracing.idle()
    (batch,) = collector.named("process orders")
    assert batch.links == tuple(f"{number:032x}-{SPAN}" for number in range(1, 129))
    assert batch.attributes["order_service.offsets"] == ["0:0-199"]
    assert batch.attributes["messaging.destination.partition.id"] == "0"


def test_a_batch_that_fails_is_marked_with_the_kind_of_error_and_not_with_its_words(
    collector: Collector,
) -> None:
    with closing(tracer_to(collector, ALWAYS)) as tracer:
        tracing = batches_of(Work(RuntimeError("Testov, Ploshad Mira 15")), tracer)
        with pytest.raises(RuntimeError):
            run_batch(tracing, Record())
    (batch,) = collector.named("process orders")
    assert batch.failed
    assert batch.attributes["error.type"] == "RuntimeError"
    assert "Testov" not in str(collector.spans)


def test_batches_whose_commit_never_comes_do_not_pile_up(collector: Collector) -> None:
    with closing(tracer_to(collector, ALWAYS)) as tracer:
        tracing = batches_of(Work(), tracer)
        for _ in range(130):
            run_batch(tracing, Record())
    assert len(collector.named("process orders")) == 30


def test_a_commit_belongs_to_the_batch_that_it_is_for(collector: Collector) -> None:
    with closing(tracer_to(collector, ALWAYS)) as tracer:
        tracing = batches_of(Work(), tracer)
        run_batch(tracing, Record(offset=1))
        # The next one is stored before the commit of the first is through.
        tracing.store(tracing.prepare([Record(offset=2)], None))
        tracing.took("commit", 0.1)
        tracing.took("store", 0.1)
        tracing.took("commit", 0.1)
    first, second = collector.named("process orders")
    assert first.attributes["order_service.offsets"] == ["0:1-1"]
    parts = [[part.name for part in collector.below(batch)] for batch in (first, second)]
    assert parts == [["decode", "store", "commit orders"]] * 2
