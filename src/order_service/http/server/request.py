"""A request as it came, and what the application is told of it."""

import io
import sys
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from httptools import parse_url
from httptools.parser.errors import HttpParserInvalidURLError

Fields = list[tuple[bytes, bytes]]
"""Header fields in the order in which they came."""


class Request(NamedTuple):
    """A whole request.

    Attributes:
        method: Such as ``GET``.
        target: As the client wrote it: with its query, and with its host if it asks a proxy.
        fields: The header fields.
        body: Its body, or as much of it as is read.
        version: ``1.1`` or ``1.0``.
        keeps: Whether the connection may be used again afterwards.
    """

    method: str
    target: bytes
    fields: Fields
    body: bytes
    version: str
    keeps: bool


class InvalidTargetError(ValueError):
    """A request target is none of RFC 9112, section 3.2."""


def environ_of(request: Request, common: dict[str, Any]) -> dict[str, Any]:
    """Return the WSGI environment of a request (PEP 3333).

    A field whose name has an underscore is left out: WSGI could not tell it from the one with
    a hyphen, which a proxy may have set or removed.

    Args:
        request: The request.
        common: What is the same for all requests of the connection.

    Raises:
        InvalidTargetError: It asks for nothing that can be asked for.
    """
    host, path, query = _parts(request.target)
    environ = common.copy()
    environ["REQUEST_METHOD"] = request.method
    environ["SERVER_PROTOCOL"] = f"HTTP/{request.version}"
    environ["REQUEST_URI"] = request.target.decode("latin-1")
    environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1")
    environ["QUERY_STRING"] = query.decode("latin-1")
    environ["wsgi.input"] = io.BytesIO(request.body)
    for name, value in request.fields:
        _add(environ, name, value)
    if host:  # It outweighs the field (RFC 9112, section 3.2.2).
        environ["HTTP_HOST"] = host.decode("latin-1")
    return environ


_PLAIN = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}


def _add(environ: dict[str, Any], name: bytes, value: bytes) -> None:
    if b"_" in name:
        return
    lower = name.lower()
    key = _PLAIN.get(lower) or "HTTP_" + lower.decode("latin-1").upper().replace("-", "_")
    text = value.decode("latin-1")
    if key in environ:
        text = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{text}"
    environ[key] = text


def _parts(target: bytes) -> tuple[bytes, bytes, bytes]:
    """Return host, path and query of a target; the host is empty if it names none."""
    if target.startswith(b"/"):
        path, _, query = target.partition(b"?")
        return b"", path, query
    if target == b"*":
        return b"", target, b""
    try:
        url = parse_url(target)
    except HttpParserInvalidURLError:
        raise InvalidTargetError(target) from None
    if not url.host:
        raise InvalidTargetError(target)
    host: bytes = b"[%b]" % url.host if b":" in url.host else url.host
    if url.port is not None:
        host += b":%d" % url.port
    return host, url.path or b"/", url.query or b""


def common_environ(*, multiprocess: bool) -> dict[str, Any]:
    """Return what is the same in the environments of all requests."""
    return {
        "SCRIPT_NAME": "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": multiprocess,
        "wsgi.run_once": False,
        # A body ends where it ends, also without a length (werkzeug).
        "wsgi.input_terminated": True,
    }
