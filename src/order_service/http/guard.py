"""Bounds on requests, in front of Flask: what is too large or malformed goes no further.

The server itself (see `server`) bounds the request head; this guard adds what the server
lets through, with an answer in our form.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import NamedTuple
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from .metering import METHODS, HttpMeter
from .refusal import refuse
from .server.settings import MOST_BODY


class Limits(NamedTuple):
    """Largest parts of a request, in bytes."""

    target: int = 8192
    headers: int = 16384
    body: int = MOST_BODY


class Refusal(NamedTuple):
    """Why a request goes no further."""

    status: HTTPStatus
    detail: str


def examine(environ: WSGIEnvironment, limits: Limits) -> Refusal | None:
    """Return why the request must not be handled, or None if it may be."""
    if environ["REQUEST_METHOD"] not in METHODS:
        return Refusal(HTTPStatus.NOT_IMPLEMENTED, "This method is not known here.")
    if len(environ["PATH_INFO"]) + len(environ.get("QUERY_STRING", "")) > limits.target:
        return Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, "The URI is too long.")
    if _size_of_headers(environ) > limits.headers:
        return Refusal(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The header fields are too large."
        )
    return _examine_body(environ, limits.body)


def _size_of_headers(environ: WSGIEnvironment) -> int:
    # Two separators and a line end make four bytes; HTTP_ stands for one of the name.
    return sum(
        len(name) + len(value) for name, value in environ.items() if name.startswith("HTTP_")
    )


def _examine_body(environ: WSGIEnvironment, most: int) -> Refusal | None:
    length = environ.get("CONTENT_LENGTH") or ""
    if not length:
        return None
    if "HTTP_TRANSFER_ENCODING" in environ:
        # Two lengths for one body: what request smuggling is made of (RFC 9112, 6.3).
        # Our server refuses it before; others may hand on both.
        return Refusal(
            HTTPStatus.BAD_REQUEST, "Content-Length and Transfer-Encoding exclude each other."
        )
    if not (length.isascii() and length.isdigit()):
        return Refusal(HTTPStatus.BAD_REQUEST, "Content-Length is no number.")
    if int(length[:20]) > most:
        return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large.")
    return None


class RequestGuard:
    """WSGI middleware that answers what must go no further, and hands on the rest."""

    def __init__(self, app: WSGIApplication, limits: Limits, meter: HttpMeter) -> None:
        self._app = app
        self._limits = limits
        self._meter = meter

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request."""
        refusal = examine(environ, self._limits)
        if refusal is None:
            return self._app(environ, start_response)
        return refuse(environ, start_response, self._meter, *refusal)
