"""What goes back on a connection: heads and how bodies are framed (RFC 9112)."""

import time
from collections.abc import Iterable
from email.utils import formatdate
from http import HTTPStatus

from order_service.http.problem_document import CONTENT_TYPE, problem_body
from order_service.http.request_id import new_request_id
from order_service.http.security import COMMON

Headers = Iterable[tuple[str, str]]

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


class InvalidHeaderError(ValueError):
    """A status or header of an answer would break its framing."""


class DateField:
    """The field with the time of the answer, made once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._line = b""

    def line(self) -> bytes:
        """Return the field with its line end."""
        now = int(time.time())
        if now != self._second:
            self._line = b"Date: %b\r\n" % formatdate(now, usegmt=True).encode()
            self._second = now
        return self._line


def head_of(status: str, headers: Headers) -> bytes:
    """Return status line and fields, without the empty line at the end.

    Raises:
        InvalidHeaderError: One of them has a line end in it, or is not Latin-1.
    """
    lines = [f"HTTP/1.1 {status}", *[f"{name}: {value}" for name, value in headers]]
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1 or "\0" in head:
        raise InvalidHeaderError(lines[0])
    try:
        return head.encode("latin-1") + b"\r\n"
    except UnicodeEncodeError:
        raise InvalidHeaderError(lines[0]) from None


def chunk(data: bytes) -> bytes:
    """Return `data`, which is not empty, as a chunk of a body of unknown length."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def refusal(status: HTTPStatus, detail: str, *more: tuple[str, str]) -> tuple[bytes, bytes]:
    """Return head and body of a problem that the server itself answers with."""
    request_id = new_request_id()
    body = problem_body(status, detail, request_id)
    headers = [
        ("Content-Type", CONTENT_TYPE),
        ("Cache-Control", "no-store"),
        *COMMON,
        *more,
        ("X-Request-ID", request_id),
        ("Content-Length", str(len(body))),
    ]
    return head_of(f"{status.value} {status.phrase}", headers), body
