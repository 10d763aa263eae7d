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
from typing import NamedTuple
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http import trace_exporter
from opentelemetry.sdk import _shared_internal as batch_processor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import SpanKind, StatusCode

from .spans import Attributes, Kind
from .traceparent import TraceContext

_KINDS: dict[Kind, SpanKind] = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}
_NONE: Attributes = {}
_EXPORT_TIMEOUT = 5.0
_CLOSE_TIMEOUT = 3.0
_COMPLAIN_EVERY = 60.0


class Settings(NamedTuple):
    """Where spans go.

    Attributes:
        endpoint: URL of the collector; without a path, ``/v1/traces`` is meant.
        sample_ratio: Share of new traces that is recorded.
        service_name: The resource's ``service.name``.
    """

    endpoint: str
    sample_ratio: float
    service_name: str


class OtlpSpan:
    """Implements :class:`spans.Span`."""

    def __init__(self, tracer: trace.Tracer, span: trace.Span) -> None:
        self._tracer = tracer
        self._span = span

    @property
    def context(self) -> TraceContext:
        """See :class:`spans.Span`."""
        own = self._span.get_span_context()
        return TraceContext(f"{own.trace_id:032x}", f"{own.span_id:016x}", own.trace_flags.sampled)

    def child(
        self,
        name: str,
        kind: Kind = "internal",
        attributes: Attributes = _NONE,
        *,
        took: float = 0.0,
    ) -> "OtlpSpan":
        """See :meth:`spans.Span.child`."""
        span = self._tracer.start_span(
            name,
            trace.set_span_in_context(self._span),
            _KINDS[kind],
            attributes,
            start_time=time.time_ns() - round(took * 1e9),
        )
        return OtlpSpan(self._tracer, span)

    def set(self, attributes: Attributes) -> None:
        """See :meth:`spans.Span.set`."""
        self._span.set_attributes(attributes)

    def rename(self, name: str) -> None:
        """See :meth:`spans.Span.rename`."""
        self._span.update_name(name)

    def failed(self, error: str) -> None:
        """See :meth:`spans.Span.failed`."""
        self._span.set_attribute("error.type", error)
        self._span.set_status(StatusCode.ERROR)

    def end(self) -> None:
        """See :meth:`spans.Span.end`."""
        self._span.end()


class OtlpTracer:
    """Implements :class:`spans.Tracer`.

    Args:
        settings: Where spans go.
        uniform: Returns evenly spread numbers from 0 to below 1.
    """

    def __init__(self, settings: Settings, uniform: Callable[[], float] = random.random) -> None:
        self._ratio = settings.sample_ratio
        self._uniform = uniform
        _quieten()
        resource = Resource.create(
            {"service.name": settings.service_name, "service.version": version("order-service")}
        )
        # What reaches the SDK is sampled already.
        self._provider = TracerProvider(ALWAYS_ON, resource, shutdown_on_exit=False)
        exporter = trace_exporter.OTLPSpanExporter(
            _whole(settings.endpoint), timeout=_EXPORT_TIMEOUT
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("order_service")

    def samples(self) -> bool:
        """See :meth:`spans.Tracer.samples`."""
        return self._uniform() < self._ratio

    def begin(
        self,
        name: str,
        kind: Kind,
        attributes: Attributes = _NONE,
        *,
        parent: TraceContext | None = None,
        links: Sequence[TraceContext] = (),
    ) -> OtlpSpan:
        """See :meth:`spans.Tracer.begin`."""
        remote = trace.NonRecordingSpan(_span_context(parent) if parent else _NO_PARENT)
        span = self._tracer.start_span(
            name,
            trace.set_span_in_context(remote),
            _KINDS[kind],
            attributes,
            [trace.Link(_span_context(link)) for link in links],
        )
        return OtlpSpan(self._tracer, span)

    def close(self) -> None:
        """See :meth:`spans.Tracer.close`."""
        # The SDK would wait for a collector that hangs for half a minute.
        closing = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        closing.start()
        closing.join(_CLOSE_TIMEOUT)


_NO_PARENT = trace.INVALID_SPAN_CONTEXT


def _span_context(of: TraceContext) -> trace.SpanContext:
    flags = trace.TraceFlags(trace.TraceFlags.SAMPLED if of.sampled else trace.TraceFlags.DEFAULT)
    return trace.SpanContext(
        int(of.trace_id, 16), int(of.span_id, 16), is_remote=True, trace_flags=flags
    )


def _whole(endpoint: str) -> str:
    return f"{endpoint.rstrip('/')}/v1/traces" if urlsplit(endpoint).path in {"", "/"} else endpoint


class _Seldom(logging.Filter):
    """Lets one record a minute through: a collector that is away is reported, not lamented."""

    def __init__(self) -> None:
        super().__init__()
        self._due = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is the first for a minute."""
        due = record.created >= self._due
        if due:
            self._due = record.created + _COMPLAIN_EVERY
        return due


_seldom = _Seldom()


def _quieten() -> None:
    for module in (trace_exporter, batch_processor):
        logging.getLogger(module.__name__).addFilter(_seldom)
