"""Whose request it is, and under which key it must have no more than one effect."""

import re
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from flask import request
from flask_smorest import abort

from .authentication import principal_of
from .bodies import malformed

_is_key = re.compile(r"[\x21-\x7e]{1,255}\Z").match

_HEADER = "Idempotency-Key"


class RequestKey(NamedTuple):
    """The key of a request.

    Attributes:
        key: 1 to 255 visible ASCII characters.
        content: What the request asks for, whole.
    """

    key: str
    content: bytes


def person() -> UUID:
    """Return the id of the person who asks.

    Raises:
        HTTPException: 401 if nobody is known to ask, 403 if it is no person.
    """
    found = principal_of(request.environ)
    if found is None:
        abort(HTTPStatus.UNAUTHORIZED, message="This is about the person who asks.")
    try:
        return UUID(found.subject)
    except ValueError:  # the key of a program
        abort(HTTPStatus.FORBIDDEN, message="This is for persons.")


def idempotency_key(*content: object) -> RequestKey | None:
    """Return the key of the request with what it asks for, None if it has none.

    Raises:
        HTTPException: 400 if it is no key.
    """
    key = request.headers.get(_HEADER)
    if key is None:
        return None
    if not _is_key(key):
        malformed(f"An {_HEADER} is 1 to 255 visible ASCII characters.")
    return RequestKey(key, "\0".join(map(str, content)).encode())
