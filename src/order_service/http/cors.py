"""Lets web pages of other origins ask, if the configuration names them (CORS).

Answers never allow credentials, so what a cookie admits to here is for our own pages alone: one
of another origin must send a credential of its own, where one is needed. See
https://fetch.spec.whatwg.org/#http-cors-protocol.
"""

from collections.abc import Collection, Iterable
from http import HTTPStatus
from time import perf_counter
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from .answer import Headers
from .headers import REQUEST_ID
from .metering import HttpMeter
from .request_id import request_id_of
from .security import COMMON

ANY = "*"

_READING = frozenset(("GET", "HEAD"))
_READING_HEADERS = ("Authorization", "If-None-Match", REQUEST_ID)
_WRITING_HEADERS = ("Content-Type", "Idempotency-Key")

_PREFLIGHT = [
    *COMMON,
    # Ten minutes: a change of the configuration shows soon, and browsers keep two hours at most.
    ("Access-Control-Max-Age", "600"),
    ("Cache-Control", "no-store"),
]
_EXPOSED = (
    "Access-Control-Expose-Headers",
    "ETag, Retry-After, WWW-Authenticate, X-Cache, X-Request-ID",
)


class Cors:
    """WSGI middleware that tells browsers which origins may ask, and how.

    Args:
        app: Answers all but preflights.
        origins: Such as ``https://shop.example``, or ``*`` for all.
        methods: Those that some route takes.
        meter: Counts the preflights.
    """

    def __init__(
        self,
        app: WSGIApplication,
        origins: Collection[str],
        methods: Collection[str],
        meter: HttpMeter,
    ) -> None:
        self._app = app
        self._origins = frozenset(origins)
        self._all = ANY in self._origins
        sendable = (*_READING_HEADERS, *(() if _READING.issuperset(methods) else _WRITING_HEADERS))
        self._preflight_headers = [
            *_PREFLIGHT,
            ("Access-Control-Allow-Methods", ", ".join(sorted(methods))),
            ("Access-Control-Allow-Headers", ", ".join(sendable)),
        ]
        self._count = meter.counter("OPTIONS", "None", HTTPStatus.NO_CONTENT)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request."""
        origin: str | None = environ.get("HTTP_ORIGIN")
        own = self._headers(origin)
        if environ["REQUEST_METHOD"] == "OPTIONS" and _is_preflight(environ):
            return self._preflight(environ, start_response, own)

        def start(status: str, headers: Headers, *more: Any) -> Any:  # noqa: ANN401 - as WSGI has it
            return start_response(status, [*headers, *own], *more)

        return self._app(environ, start)

    def _headers(self, origin: str | None) -> Headers:
        """Return what the answer says to a page of `origin`."""
        if self._all:
            return [("Access-Control-Allow-Origin", ANY), _EXPOSED]
        # Without it a cache would hand one origin what it stored for another.
        varies = ("Vary", "Origin")
        if origin is None or origin not in self._origins:
            return [varies]
        return [("Access-Control-Allow-Origin", origin), _EXPOSED, varies]

    def _preflight(
        self, environ: WSGIEnvironment, start_response: StartResponse, own: Headers
    ) -> Iterable[bytes]:
        """Answer a browser that asks before it sends a request with a key."""
        began = perf_counter()
        headers = [*self._preflight_headers, *own, (REQUEST_ID, request_id_of(environ))]
        start_response("204 No Content", headers)
        self._count(perf_counter() - began)
        return []


def _is_preflight(environ: WSGIEnvironment) -> bool:
    return "HTTP_ORIGIN" in environ and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
