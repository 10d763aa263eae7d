"""An OpenTelemetry collector in this process: OTLP over HTTP in, spans to look at out."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2


class Sent(NamedTuple):
    """One span as it arrived; ids in hexadecimal, times in nanoseconds."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    links: tuple[str, ...]
    attributes: Mapping[str, object]
    failed: bool
    begun: int
    ended: int
    service: str


class Collector:
    """What has arrived so far; `url` is where to send."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.paths: set[str] = set()
        self._spans: list[Sent] = []
        self._lock = threading.Lock()

    def take(self, path: str, body: bytes) -> None:
        with self._lock:
            self.paths.add(path)
            self._spans += _spans_of(ExportTraceServiceRequest.FromString(body))

    @property
    def spans(self) -> list[Sent]:
        with self._lock:
            return [*self._spans]

    def named(self, name: str) -> list[Sent]:
        return [span for span in self.spans if span.name == name]

    def below(self, parent: Sent) -> list[Sent]:
        """The children of a span."""
        return [span for span in self.spans if span.parent_id == parent.span_id]


def _spans_of(request: ExportTraceServiceRequest) -> Iterator[Sent]:
    for group in request.resource_spans:
        service = str(_plain(group.resource.attributes)["service.name"])
        for scope in group.scope_spans:
            yield from (_sent(span, service) for span in scope.spans)


def _sent(span: trace_pb2.Span, service: str) -> Sent:
    return Sent(
        span.name,
        trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        tuple(f"{link.trace_id.hex()}-{link.span_id.hex()}" for link in span.links),
        _plain(span.attributes),
        span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        service,
    )


def _plain(attributes: Any) -> dict[str, object]:  # noqa: ANN401 - a container of protobuf's own
    return {pair.key: _value(pair.value) for pair in _pairs(attributes)}


def _pairs(attributes: Any) -> list[KeyValue]:  # noqa: ANN401 - see above
    return [*attributes]


def _value(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    return getattr(value, kind) if kind else None


@contextmanager
def collecting() -> Iterator[Collector]:
    """Collect for the length of the block."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.take(self.path, body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(name="collector")
def _collector() -> Iterator[Collector]:
    """A collector that is empty."""
    with collecting() as running:
        yield running
