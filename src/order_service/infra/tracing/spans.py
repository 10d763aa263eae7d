"""Spans as the service sees them, and the one that is current in this thread of control.

The current span is a context variable: whoever hands work to another thread and wants its
spans below his own runs it in a copy of his context.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Literal, Protocol

from .traceparent import TraceContext

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Attributes = Mapping[str, str | int | Sequence[str]]

_NONE: Attributes = {}


class Span(Protocol):
    """Something that takes time. It is exported once it has ended. Thread-safe."""

    @property
    def context(self) -> TraceContext:
        """What other spans refer to it by."""

    def child(
        self,
        name: str,
        kind: Kind = "internal",
        attributes: Attributes = _NONE,
        *,
        took: float = 0.0,
    ) -> "Span":
        """Begin a part of it, `took` seconds ago."""

    def set(self, attributes: Attributes) -> None:
        """Add attributes."""

    def rename(self, name: str) -> None:
        """Replace the name."""

    def failed(self, error: str) -> None:
        """Mark it as failed; `error` is a kind of error, such as its type, and no message."""

    def end(self) -> None:
        """End it now."""


class Tracer(Protocol):
    """Begins traces. Thread-safe; make it after any fork."""

    def samples(self) -> bool:
        """Whether the next thing that begins a trace here is to be recorded."""

    def begin(
        self,
        name: str,
        kind: Kind,
        attributes: Attributes = _NONE,
        *,
        parent: TraceContext | None = None,
        links: Sequence[TraceContext] = (),
    ) -> Span:
        """Begin a span that is recorded: below `parent`, or the first of a new trace.

        `links` are spans of other traces that led to it.
        """

    def close(self) -> None:
        """Send what has ended; blocks for a few seconds at most."""


_current: ContextVar[Span | None] = ContextVar("current_span", default=None)


def current_span() -> Span | None:
    """Return the span that is being recorded here, None if there is none."""
    return _current.get()


@contextlib.contextmanager
def entered(span: Span) -> Iterator[Span]:
    """Make `span` current for the length of the block, and end it; an exception marks it."""
    token = _current.set(span)
    try:
        yield span
    except BaseException as error:
        span.failed(type(error).__name__)
        raise
    finally:
        _current.reset(token)
        span.end()


@contextlib.contextmanager
def child_span(name: str, kind: Kind, attributes: Attributes) -> Iterator[Span | None]:
    """Enter a child of the current span for the length of the block, if there is one."""
    parent = _current.get()
    if parent is None:
        yield None
        return
    with entered(parent.child(name, kind, attributes)) as span:
        yield span
