"""The span of a request, outermost of all, for requests that are recorded.

A request goes on with the trace of its `traceparent`, recorded if that one is; any other may
begin a trace. What follows finds the span in `traceparent` as well, as if it had come so.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from order_service.contexts.orders.api import ORDER_RULE
from order_service.infra.tracing import traceparent
from order_service.infra.tracing.spans import Span, Tracer, entered

from .guard import Environ, Wsgi
from .metering import METHODS

TRACEPARENT = "HTTP_TRACEPARENT"

_ORDER = "/order/"
# Probes and scrapes come every few seconds and would be most of what is recorded.
_UNTRACED = ("/health/", "/metrics")


class Tracing:
    """WSGI middleware that records requests.

    The span ends when the answer is handed over; sending the body is the server's.

    Args:
        app: Handles the requests.
        tracer: Begins the spans.
    """

    def __init__(self, app: Wsgi, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - as WSGI has it
        """Handle one request."""
        parent = traceparent.parse(environ.get(TRACEPARENT))
        recorded = parent.sampled if parent else self._tracer.samples()
        if not recorded or environ["PATH_INFO"].startswith(_UNTRACED):
            return self._app(environ, start_response)
        span = self._begin(environ, parent)
        environ[TRACEPARENT] = span.context.header()
        with entered(span):
            return self._app(environ, _Answered(span, environ, start_response))

    def _begin(self, environ: Environ, parent: traceparent.TraceContext | None) -> Span:
        # The path and the client's address may tell of persons, so they are left out.
        attributes = {
            "http.request.method": _method(environ),
            "url.scheme": str(environ.get("wsgi.url_scheme", "http")),
        }
        return self._tracer.begin(_method(environ), "server", attributes, parent=parent)


class _Answered:
    """A `start_response` that writes into the span what the answer tells."""

    def __init__(self, span: Span, environ: Environ, start_response: Any) -> None:  # noqa: ANN401 - as WSGI has it
        self._span = span
        self._environ = environ
        self._start_response = start_response

    def __call__(self, status: str, headers: list[tuple[str, str]], *more: Any) -> Any:  # noqa: ANN401
        code = int(status[:3])
        self._span.set({"http.response.status_code": code})
        # Now, as Flask forgets the route before it returns.
        if route := _route(self._environ, code):
            self._span.set({"http.route": route})
            self._span.rename(f"{_method(self._environ)} {route}")
        if level := dict(headers).get("X-Cache"):
            self._span.set({"order_service.cache": level})
        if code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self._span.failed(str(code))
        return self._start_response(status, headers, *more)


def _route(environ: Environ, status: int) -> str | None:
    """Return the route that answered, None if no route was reached."""
    request = environ.get("werkzeug.request")
    if request is not None:
        return str(request.url_rule.rule) if request.url_rule else None
    by_hot_path = status in {200, 304} and environ["PATH_INFO"].startswith(_ORDER)
    return ORDER_RULE if by_hot_path else None


def _method(environ: Environ) -> str:
    method = str(environ["REQUEST_METHOD"])
    return method if method in METHODS else "_OTHER"
