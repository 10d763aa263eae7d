"""Spans on OpenTelemetry's SDK, sent to a collector with OTLP over HTTP.

Nobody waits for the collector. Ended spans wait in a bounded queue for a thread that sends
them every few seconds; when the collector is away, they are dropped.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import SpanKind, StatusCode, TraceFlags

from .spans import Attributes, Kind
from .traceparent import TraceContext

_NONE: Attributes = {}
_NO_PARENT = trace.set_span_in_context(trace.INVALID_SPAN)
_EXPORT_TIMEOUT = 5.0
_CLOSE_TIMEOUT = 3.0
_COMPLAIN_EVERY = 60.0


class Span:
    """Something that takes time. It is exported once it has ended. Thread-safe."""

    def __init__(self, tracer: trace.Tracer, span: trace.Span) -> None:
        self._tracer = tracer
        self._span = span

    @property
    def context(self) -> TraceContext:
        """What other spans refer to it by."""
        own = self._span.get_span_context()
        return TraceContext(f"{own.trace_id:032x}", f"{own.span_id:016x}", own.trace_flags.sampled)

    def child(
        self,
        name: str,
        kind: Kind = "internal",
        attributes: Attributes = _NONE,
        *,
        took: float = 0.0,
    ) -> "Span":
        """Begin a part of it, `took` seconds ago."""
        span = self._tracer.start_span(
            name,
            trace.set_span_in_context(self._span),
            SpanKind[kind.upper()],
            attributes,
            start_time=time.time_ns() - round(took * 1e9),
        )
        return Span(self._tracer, span)

    def set(self, attributes: Attributes) -> None:
        """Add attributes."""
        self._span.set_attributes(attributes)

    def rename(self, name: str) -> None:
        """Replace the name."""
        self._span.update_name(name)

    def failed(self, error: str) -> None:
        """Mark it as failed; `error` is a kind of error, such as its type, and no message."""
        self._span.set_attribute("error.type", error)
        self._span.set_status(StatusCode.ERROR)

    def end(self) -> None:
        """End it now."""
        self._span.end()


class Tracer:
    """Begins traces. Thread-safe; make it after any fork.

    Args:
        endpoint: URL of the collector; without a path, ``/v1/traces`` is meant.
        sample_ratio: Share of new traces that is recorded.
        service_name: The resource's ``service.name``.
        uniform: Returns evenly spread numbers from 0 to below 1.
    """

    def __init__(
        self,
        endpoint: str,
        sample_ratio: float,
        service_name: str = "order-service",
        uniform: Callable[[], float] = random.random,
    ) -> None:
        self._ratio = sample_ratio
        self._uniform = uniform
        resource = {"service.name": service_name, "service.version": version("order-service")}
        # What reaches the SDK is sampled already.
        self._provider = TracerProvider(
            ALWAYS_ON, Resource.create(resource), shutdown_on_exit=False
        )
        exporter = OTLPSpanExporter(_whole(endpoint), timeout=_EXPORT_TIMEOUT)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("order_service")
        _quieten()

    def samples(self) -> bool:
        """Whether the next thing that begins a trace here is to be recorded."""
        return self._uniform() < self._ratio

    def begin(
        self,
        name: str,
        kind: Kind,
        attributes: Attributes = _NONE,
        *,
        parent: TraceContext | None = None,
        links: Sequence[TraceContext] = (),
    ) -> Span:
        """Begin a span that is recorded: below `parent`, or the first of a new trace.

        `links` are spans of other traces that led to it.
        """
        above = trace.NonRecordingSpan(_span_context(parent)) if parent else None
        span = self._tracer.start_span(
            name,
            trace.set_span_in_context(above) if above else _NO_PARENT,
            SpanKind[kind.upper()],
            attributes,
            [trace.Link(_span_context(link)) for link in links],
        )
        return Span(self._tracer, span)

    def close(self) -> None:
        """Send what has ended; blocks for a few seconds at most."""
        # The SDK would wait for a collector that hangs for half a minute.
        closing = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        closing.start()
        closing.join(_CLOSE_TIMEOUT)


def _span_context(of: TraceContext) -> trace.SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if of.sampled else TraceFlags.DEFAULT)
    trace_id, span_id = int(of.trace_id, 16), int(of.span_id, 16)
    return trace.SpanContext(trace_id, span_id, is_remote=True, trace_flags=flags)


def _whole(endpoint: str) -> str:
    return f"{endpoint.rstrip('/')}/v1/traces" if urlsplit(endpoint).path in {"", "/"} else endpoint


class _OncePerMinute(logging.Filter):
    """Lets one record a minute through; a collector may be away for long."""

    _due = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is the first for a minute."""
        due = record.created >= self._due
        if due:
            self._due = record.created + _COMPLAIN_EVERY
        return due


_once_per_minute = _OncePerMinute()


def _quieten() -> None:
    """Bound what the SDK says of a collector that is away; its two loggers share one bound."""
    for name in (OTLPSpanExporter.__module__, "opentelemetry.sdk._shared_internal"):
        logging.getLogger(name).addFilter(_once_per_minute)
