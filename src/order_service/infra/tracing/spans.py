"""The span that is current in this thread of control. Nothing of OpenTelemetry is imported here.

It is a context variable: whoever hands work to another thread and wants its spans below his own
runs it in a copy of his context.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .otlp import Span

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Attributes = Mapping[str, str | int | Sequence[str]]

_current: "ContextVar[Span | None]" = ContextVar("current_span", default=None)


def current_span() -> "Span | None":
    """Return the span that is being recorded here, None if there is none."""
    return _current.get()


@contextlib.contextmanager
def entered(span: "Span") -> "Iterator[Span]":
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
def child_span(name: str, kind: Kind, attributes: Attributes) -> "Iterator[Span | None]":
    """Enter a child of the current span for the length of the block, if there is one."""
    parent = _current.get()
    if parent is None:
        yield None
        return
    with entered(parent.child(name, kind, attributes)) as span:
        yield span
