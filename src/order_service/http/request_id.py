"""The request id: taken over from the client or a proxy if it is harmless, made otherwise.

It goes into every response, every problem and every log line, so that a report of a user
leads to the line in the log.
"""

import itertools
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from .headers import REQUEST_ID

# A bound on length and alphabet keeps clients from writing into our logs what they like.
_harmless = re.compile(r"[A-Za-z0-9._-]{1,128}").fullmatch
_KEY = "order_service.request_id"

# Ids must be unique, not secret: a random start for each process and a counter cost a
# fraction of random bytes for each request.
_start = os.urandom(10).hex()
_next = itertools.count(1).__next__
_NAME = REQUEST_ID.encode()
_LINE = f"{REQUEST_ID}: {_start}%012x\r\n".encode()


def request_id_of(environ: dict[str, Any]) -> str:
    """Return the id of the request; every call for the same `environ` returns the same."""
    known = environ.get(_KEY)
    if known is None:
        known = environ[_KEY] = given_request_id(environ) or new_request_id()
    return str(known)


def given_request_id(environ: Mapping[str, Any]) -> str | None:
    """Return the id that the request brought, None if it brought none that is harmless."""
    given: str | None = environ.get("HTTP_X_REQUEST_ID")
    return given if given is not None and _harmless(given) else None


def new_request_id() -> str:
    """Return an id for a request that brought none."""
    return f"{_start}{_next():012x}"


def request_id_line(environ: Mapping[str, Any]) -> bytes:
    """Return the field with the id of a request, and its line end."""
    known = environ.get(_KEY) or given_request_id(environ)
    return new_request_id_line() if known is None else _line(known)


def request_id_lines(environ: Mapping[str, Any]) -> Callable[[], bytes]:
    """Return what makes that line for each of the requests that have this environment."""
    given = given_request_id(environ)
    if given is None:
        return new_request_id_line
    line = _line(given)
    return lambda: line


def new_request_id_line() -> bytes:
    """Return that line for a request that brought no id."""
    return _LINE % _next()


def forget_request_id(environ: dict[str, Any]) -> None:
    """Let an environment be that of another request, which is alike."""
    environ.pop(_KEY, None)


def _line(request_id: str) -> bytes:
    return b"%b: %b\r\n" % (_NAME, request_id.encode())
