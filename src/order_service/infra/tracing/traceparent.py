"""The header `traceparent` of W3C Trace Context: how a trace goes on in another process.

See https://www.w3.org/TR/trace-context/, section 3.2. What is malformed counts as absent.
"""

import re
from typing import Any, NamedTuple

HEADER = "traceparent"

_SAMPLED = 1
# A later version may append fields; ff is none.
_fields = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?").match
_NO_TRACE = "0" * 32
_NO_SPAN = "0" * 16
_LENGTH = 55


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
    if header is None or found is None or not _is_whole(header):
        return None
    trace_id, span_id, flags = found.groups()
    if trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return TraceContext(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))


def _is_whole(header: str) -> bool:
    """Whether nothing follows that the header's version does not have."""
    return len(header) == _LENGTH or (header[_LENGTH] == "-" and not header.startswith("00"))


def context_of(record: Any) -> TraceContext | None:  # noqa: ANN401 - untyped library
    """Return the span that a Kafka record comes from, None if its headers name none."""
    for name, value in record.headers:
        if name == HEADER and value is not None:
            return parse(value.decode("ascii", "replace"))
    return None
