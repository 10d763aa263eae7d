"""How an order looks on the wire: status, headers and body, decided in one place."""

import re
from collections.abc import Sequence

from order_service.contexts.orders.lookup import Found
from order_service.contexts.orders.ports import Level
from order_service.http.answer import Answer
from order_service.http.headers import CACHE

# RFC 9110, section 8.8.3; the weak comparison of If-None-Match ignores the W/.
_ENTITY_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')

# Orders hold personal data: no shared cache may keep them (private), and a browser may
# keep one only to ask whether it is still the newest (no-cache), which a 304 answers.
CACHE_CONTROL = "private, no-cache"


# Reading the value of an enum takes longer than all the rest.
_X_CACHE = {level: (CACHE, level.value) for level in Level}


def matches(if_none_match: str, etag: str) -> bool:
    """Return whether the header value `if_none_match` covers the strong tag `etag`.

    `*` covers everything; otherwise any tag of the list, weak or not. A malformed header
    covers nothing.
    """
    if if_none_match == etag:
        return True
    return if_none_match.strip() == "*" or etag in _ENTITY_TAG.findall(if_none_match)


class Representation:
    """Makes answers of orders.

    Args:
        common: Headers that every response of the service carries.
    """

    def __init__(self, common: Sequence[tuple[str, str]] = ()) -> None:
        self._not_modified = [("Cache-Control", CACHE_CONTROL), *common]
        self._ok = [("Content-Type", "application/json"), *self._not_modified]

    def of(self, found: Found, if_none_match: str | None) -> Answer:
        """Return the answer for an order that was found: 200, or 304 if the client has it."""
        document, level = found
        etag = f'"{document.digest}"'
        own = [("ETag", etag), _X_CACHE[level]]
        if if_none_match is not None and matches(if_none_match, etag):
            return Answer("304 NOT MODIFIED", self._not_modified + own, b"")
        own.append(("Content-Length", str(len(document.body))))
        return Answer("200 OK", self._ok + own, document.body)
