"""The request id: taken over from the client or a proxy if it is harmless, made otherwise.

It goes into every response, every problem and every log line, so that a report of a user
leads to the line in the log.
"""

import itertools
import os
import re
from typing import Any

# A bound on length and alphabet keeps clients from writing into our logs what they like.
_harmless = re.compile(r"[A-Za-z0-9._-]{1,128}").fullmatch
_KEY = "order_service.request_id"

# Ids must be unique, not secret: a random start for each process and a counter cost a
# fraction of random bytes for each request.
_start = os.urandom(10).hex()
_next = itertools.count(1).__next__


def request_id_of(environ: dict[str, Any]) -> str:
    """Return the id of the request; every call for the same `environ` returns the same."""
    known = environ.get(_KEY)
    if known is None:
        given = environ.get("HTTP_X_REQUEST_ID")
        known = given if given is not None and _harmless(given) else f"{_start}{_next():012x}"
        environ[_KEY] = known
    return str(known)
