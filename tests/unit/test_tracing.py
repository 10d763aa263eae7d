"""Traces in parts: the header, the spans of batches and requests, what is not recorded."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple

import pytest
from structlog.contextvars import get_contextvars, merge_contextvars
from structlog.testing import capture_logs

from order_service.http.app import create_wsgi
from order_service.http.front import Front
from order_service.infra.offset_ledger import OffsetRanges
from order_service.infra.tracing.backends import TracedCacheClient, TracedQueries
from order_service.infra.tracing.batches import BatchTracing, Subscription
from order_service.infra.tracing.otlp import OtlpTracer, Settings
from order_service.infra.tracing.spans import current_span, entered
from order_service.infra.tracing.traceparent import TraceContext, parse
from order_service.orders.ports import Level
from producer.trace import new_traceparent
from tests.collector import Collector, collecting
from tests.unit.http_support import UID, MemoryLookup, ask, services

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
HEADER = f"00-{TRACE}-{SPAN}-01"
UNSAMPLED = f"00-{TRACE}-{SPAN}-00"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


def tracer_to(collector: Collector, drawn: float = 0.5) -> OtlpTracer:
    """A tracer that records half of what begins here; `drawn` is what chance says."""
    return OtlpTracer(Settings(collector.url, 0.5, "tested"), lambda: drawn)


NEVER, ALWAYS = 0.5, 0.49


@pytest.mark.parametrize(
    ("header", "sampled"),
    [
        (HEADER, True),
        (UNSAMPLED, False),
        (f"00-{TRACE}-{SPAN}-ff", True),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-brings", True),
    ],
)
def test_a_traceparent_names_a_span(header: str, sampled: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert parse(header) == TraceContext(TRACE, SPAN, sampled)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "00",
        HEADER.upper(),
        HEADER[:-1],
        f"{HEADER}0",
        f"{HEADER}-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-0g",
        f"{HEADER}\n",
        f" {HEADER}",
    ],
)
def test_a_malformed_traceparent_counts_as_none(header: str | None) -> None:
    assert parse(header) is None


def test_what_the_producer_sends_is_a_recorded_span_of_its_own() -> None:
    first, second = parse(new_traceparent()), parse(new_traceparent())
    assert first
    assert second
    assert first.sampled
    assert first.header() != second.header()
    assert parse(first.header()) == first


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


def batches_of(work: Work, tracer: OtlpTracer) -> BatchTracing[Sequence[Record]]:
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


class Commands:
    """A Redis client that answers, or is away."""

    def fast_get(self, key: str) -> bytes | None:
        raise ConnectionError(key)

    def set(self, name: str, value: bytes, *, px: int, nx: bool) -> object:
        return name, value, px, nx

    def set_new(self, entry: object) -> None:
        pass

    def set_many(self, entries: Sequence[object], *, only_new: bool) -> bool:
        return bool(entries) or only_new

    def unlink(self, *keys: str) -> object:
        return keys

    def ping(self) -> object:
        return True

    def close(self) -> None:
        pass


def test_spans_of_backends_hold_no_key_and_say_what_failed(collector: Collector) -> None:
    client = TracedCacheClient(Commands())
    queries = TracedQueries(Queries(), "db.example")
    with closing(tracer_to(collector)) as tracer, entered(tracer.begin("all", "internal")):
        with pytest.raises(ConnectionError):
            client.fast_get("order:v1:secret-uid")
        client.unlink("order:v1:secret-uid", "order:v1:other")
        queries.queried("find_orders", 0.25, ok=False)
    (get,), (unlink,), (query,) = map(collector.named, ("GET", "UNLINK", "find_orders"))
    assert get.failed
    assert unlink.attributes["db.operation.batch.size"] == 2
    assert query.failed
    assert query.attributes["server.address"] == "db.example"
    assert 0.25e9 <= query.ended - query.begun < 1e9
    assert "secret-uid" not in str(collector.spans)


class Queries:
    """An observer of queries that listens to nothing."""

    def queried(self, query: str, seconds: float, *, ok: bool) -> None:
        pass


def test_without_a_current_span_backends_make_none(collector: Collector) -> None:
    with closing(tracer_to(collector)):
        TracedCacheClient(Commands()).unlink("a")
        TracedQueries(Queries(), "db.example").queried("find_orders", 0.1, ok=True)
    assert not collector.spans


def requests(collector: Collector, drawn: float, *paths: str, headers: Mapping[str, str]) -> None:
    with closing(tracer_to(collector, drawn)) as tracer:
        lookup = MemoryLookup(Level.HIT)
        app = create_wsgi(services(lookup, front=Front(tracer=tracer)))
        for path in paths:
            ask(app, "GET", path, headers)


def test_requests_are_recorded_under_their_route_and_their_caller(collector: Collector) -> None:
    paths = (f"/order/{UID}", "/order/unknown", "/orders?customer_id=someone", "/nowhere")
    requests(collector, NEVER, *paths, headers={"traceparent": HEADER})
    spans = collector.spans
    names = ["GET /order/<order_uid>", "GET /order/<order_uid>", "GET /orders", "GET"]
    assert [span.name for span in spans] == names
    assert [span.attributes["http.response.status_code"] for span in spans] == [200, 404, 200, 404]
    assert {(span.trace_id, span.parent_id) for span in spans} == {(TRACE, SPAN)}
    assert UID not in str(spans)
    assert "someone" not in str(spans)


def test_an_unrecorded_caller_and_probes_are_not_recorded(collector: Collector) -> None:
    requests(collector, ALWAYS, f"/order/{UID}", headers={"traceparent": UNSAMPLED})
    requests(collector, ALWAYS, "/health/live", "/metrics", headers={"traceparent": HEADER})
    assert not collector.spans
    requests(collector, NEVER, f"/order/{UID}", headers={})
    assert not collector.spans
    requests(collector, ALWAYS, f"/order/{UID}", headers={"traceparent": "garbage"})
    (span,) = collector.spans
    assert not span.parent_id


def test_an_unknown_method_becomes_no_name_of_a_span(collector: Collector) -> None:
    with closing(tracer_to(collector, ALWAYS)) as tracer:
        ask(create_wsgi(services(front=Front(tracer=tracer))), "TESTOV", "/")
    (span,) = collector.spans
    assert span.name == span.attributes["http.request.method"] == "_OTHER"
    assert span.failed


@pytest.mark.parametrize("recorded", [True, False])
def test_the_line_of_an_error_names_the_request_and_its_trace(
    collector: Collector,
    recorded: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    lookup = MemoryLookup(Level.MISS)
    lookup.broken = True
    headers = {"traceparent": HEADER, "X-Request-ID": "req-1"}
    with closing(tracer_to(collector)) as tracer:
        front = Front(tracer=tracer) if recorded else Front()
        with capture_logs(processors=[merge_contextvars]) as lines:
            assert ask(create_wsgi(services(lookup, front=front)), "GET", f"/order/{UID}", headers)
    (line,) = lines
    assert (line["request_id"], line["trace_id"]) == ("req-1", TRACE)
    assert not get_contextvars()
    assert [span.failed for span in collector.spans] == [True] * recorded
