"""The header `traceparent` of W3C Trace Context: how a trace goes on in another process.

See https://www.w3.org/TR/trace-context/, section 3.2. What is malformed counts as absent.
"""

import re
from typing import Any, NamedTuple

HEADER = "traceparent"

_SAMPLED = 1
# Version 00 has nothing behind the flags, a later one may append fields, ff is none. Ids of zeros
# are invalid.
_fields = re.compile(
    r"(?!ff|00.{54})[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?"
).fullmatch


class TraceContext(NamedTuple):
    """A span somewhere.

    Attributes:
        trace_id: 32 hexadecimal digits.
        span_id: 16 hexadecimal digits.
        sampled: Whether it is recorded there.
    """

    trace_id: str
    span_id: str
    sampled: bool

    def header(self) -> str:
        """Return the header's value that makes this span the parent."""
        return f"00-{self.trace_id}-{self.span_id}-{self.sampled:02x}"


def parse(header: str | None) -> TraceContext | None:
    """Return the span that a header names, None if it names none."""
    found = _fields(header) if header else None
    if found is None:
        return None
    trace_id, span_id, flags = found.groups()
    return TraceContext(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))


def context_of(record: Any) -> TraceContext | None:  # noqa: ANN401 - untyped library
    """Return the span that a Kafka record comes from, None if its headers name none."""
    for name, value in record.headers:
        if name == HEADER and value is not None:
            return parse(value.decode("ascii", "replace"))
    return None
