"""Traces in parts: the header, the spans of backends and requests, what is not recorded."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from structlog.contextvars import get_contextvars, merge_contextvars
from structlog.testing import capture_logs

from order_service.contexts.orders.ports import Level
from order_service.http.app import create_wsgi
from order_service.http.front import Front
from order_service.infra.batched_flight import BatchedFlight
from order_service.infra.tracing.backends import TracedCacheClient, TracedQueries
from order_service.infra.tracing.spans import child_span, current_span, entered
from order_service.infra.tracing.traceparent import TraceContext, parse
from producer.trace import new_traceparent
from tests.collector import Collector
from tests.unit.http_support import UID, MemoryLookup, ask, services
from tests.unit.tracing_support import ALWAYS, NEVER, SPAN, TRACE, UNSAMPLED, tracer_to

HEADER = f"00-{TRACE}-{SPAN}-01"


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


def test_a_trace_goes_through_text(collector: Collector) -> None:
    with closing(tracer_to(collector)) as tracer:
        with entered(tracer.begin("write", "internal")) as span:
            text = span.context.header()
        with entered(tracer.begin("read", "internal", parent=parse(text))):
            pass
    (written,), (read,) = map(collector.named, ("write", "read"))
    assert (read.trace_id, read.parent_id) == (written.trace_id, written.span_id)


class Commands:
    """A Redis client that answers, or is away."""

    def fast_get(self, key: str) -> bytes | None:
        raise ConnectionError(key)

    def set(self, name: str, value: bytes, *, px: int, nx: bool) -> object:
        return name, value, px, nx

    def get_many(self, keys: Sequence[str]) -> Sequence[None]:
        return [None for _ in keys]

    def set_new(self, *entries: object) -> None:
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


def test_a_request_that_is_traced_asks_for_itself_even_while_others_wait(
    collector: Collector,
) -> None:
    begun, held = threading.Event(), threading.Event()
    asked: list[tuple[str, ...]] = []

    def call(keys: Sequence[str]) -> Mapping[str, str]:
        asked.append(tuple(keys))
        if keys[0] == "held":
            begun.set()
            assert held.wait(10)
        with child_span("call", "client", {}):
            return {key: key.upper() for key in keys}

    flight = BatchedFlight(call, alone=lambda: current_span() is not None)
    with ThreadPoolExecutor(1) as pool, closing(tracer_to(collector)) as tracer:
        first = pool.submit(flight.get, "held")
        assert begun.wait(10)
        with entered(tracer.begin("request", "server")):
            assert flight.get("own") == "OWN"
        held.set()
        assert first.result(10) == "HELD"
    assert asked == [("held",), ("own",)]
    (request,) = collector.named("request")
    assert [span.name for span in collector.below(request)] == ["call"]


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
    assert spans[0].attributes["order_service.cache"] == "hit"
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
