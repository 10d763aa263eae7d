"""The span of a request, outermost of all, for requests that are recorded.

A request goes on with the trace of its `traceparent`, recorded if that one is; any other may
begin a trace. What follows finds the span in `traceparent` as well, as if it had come so.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from wsgiref.types import WSGIApplication, WSGIEnvironment

from order_service.infra.tracing import traceparent
from order_service.infra.tracing.spans import entered

from .headers import CACHE
from .metering import METHODS, ROUTE

if TYPE_CHECKING:
    from order_service.infra.tracing.otlp import Span, Tracer

TRACEPARENT = "HTTP_TRACEPARENT"

# Probes and scrapes come every few seconds and would be most of what is recorded.
_UNTRACED = ("/health/", "/metrics")


class Tracing:
    """WSGI middleware that records requests.

    The span ends when the answer is handed over; sending the body is the server's.

    Args:
        app: Handles the requests.
        tracer: Begins the spans.
    """

    def __init__(self, app: WSGIApplication, tracer: "Tracer") -> None:
        self._app = app
        self._tracer = tracer

    def __call__(self, environ: WSGIEnvironment, start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - as WSGI has it
        """Handle one request."""
        parent = traceparent.parse(environ.get(TRACEPARENT))
        recorded = parent.sampled if parent else self._tracer.samples()
        if not recorded or environ["PATH_INFO"].startswith(_UNTRACED):
            return self._app(environ, start_response)
        method = _method(environ)
        # The path and the client's address may tell of persons, so they are left out.
        attributes = {
            "http.request.method": method,
            "url.scheme": str(environ.get("wsgi.url_scheme", "http")),
        }
        with entered(self._tracer.begin(method, "server", attributes, parent=parent)) as span:
            environ[TRACEPARENT] = span.context.header()

            def answered(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:  # noqa: ANN401
                # Now, as Flask forgets the route before it returns.
                _describe(span, environ, int(status[:3]), headers)
                return start_response(status, headers, *more)

            return self._app(environ, answered)


def _describe(
    span: "Span", environ: WSGIEnvironment, code: int, headers: list[tuple[str, str]]
) -> None:
    """Write into the span what the answer tells."""
    attributes: dict[str, str | int] = {"http.response.status_code": code}
    if route := _route(environ):
        attributes["http.route"] = route
        span.rename(f"{_method(environ)} {route}")
    if cache := dict(headers).get(CACHE):
        attributes["order_service.cache"] = cache
    span.set(attributes)
    if code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        span.failed(str(code))


def _route(environ: WSGIEnvironment) -> str | None:
    """Return the route that answered, None if no route was reached."""
    if ROUTE in environ:
        return str(environ[ROUTE])
    # One that was never in Flask may be there as well, and has no rule.
    rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
    return str(rule.rule) if rule else None


def _method(environ: WSGIEnvironment) -> str:
    method = str(environ["REQUEST_METHOD"])
    return method if method in METHODS else "_OTHER"
