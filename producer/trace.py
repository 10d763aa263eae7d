"""The header `traceparent` of W3C Trace Context, so that traces of the service lead back to us."""

import os
from collections.abc import Callable

HEADER = "traceparent"


def new_traceparent(random_bytes: Callable[[int], bytes] = os.urandom) -> str:
    """Return a header that begins a trace which is to be recorded."""
    return f"00-{random_bytes(16).hex()}-{random_bytes(8).hex()}-01"
