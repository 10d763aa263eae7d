"""One span for each batch of messages, with links to the spans that the messages come from.

A batch mixes messages of many traces, so it belongs to none of them: it begins a trace of its
own and links to theirs, as OpenTelemetry's messaging conventions have it for batches. Below
it are decoding, storing with all that it asks of backends, and the commit of the offsets.
"""

from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from structlog.contextvars import bound_contextvars

from order_service.infra.kafka.batching import BatchObserver, ConsumerRecord
from order_service.infra.kafka.consumer import Handler
from order_service.infra.kafka.offset_tracker import OffsetRanges
from order_service.infra.kafka.topic import Subscription

from .spans import Attributes, entered
from .traceparent import context_of

if TYPE_CHECKING:
    from .otlp import Span, Tracer

P = TypeVar("P")

_MOST_LINKS = 128
"""Links of one span, as many as the SDK keeps; what is beyond them is not even looked at."""

_MOST_OPEN = 100
"""Batches that wait for their commit; an outage of the brokers must not make them pile up."""


class TracedBatch(NamedTuple, Generic[P]):
    """A prepared batch and its span, if it is recorded."""

    prepared: P
    span: "Span | None"


class BatchTracing(Generic[P]):
    """The handler and the observer of a consumer loop, around those that do the work.

    A batch is recorded if one of its messages comes from a recorded span, or if the tracer
    samples it.

    Args:
        handler: Does the work.
        observer: Told of the batches as well.
        tracer: Begins the spans.
        subscription: What is consumed.
    """

    def __init__(
        self,
        handler: Handler[P],
        observer: BatchObserver,
        tracer: "Tracer",
        subscription: Subscription,
    ) -> None:
        self._handler = handler
        self._observer = observer
        self._tracer = tracer
        self._subscription = subscription
        # Stored, but the loop has not heard of it: no commit is for it yet.
        self._stored: Span | None = None
        # Awaiting their commit: usually one, more while commits fail.
        self._uncommitted: deque[Span] = deque()

    def prepare(self, records: Sequence[ConsumerRecord], stream: str | None) -> TracedBatch[P]:
        """See :meth:`Handler.prepare`."""
        span = self._begin(records)
        if span is None:
            return TracedBatch(self._handler.prepare(records, stream), None)
        with entered(span.child("decode")):
            return TracedBatch(self._handler.prepare(records, stream), span)

    def _begin(self, records: Sequence[ConsumerRecord]) -> "Span | None":
        """Return the span of a batch, None if it is not to be recorded."""
        contexts = filter(None, map(context_of, records))
        links = list(islice((each for each in contexts if each.sampled), _MOST_LINKS))
        if not links and not self._tracer.samples():
            return None
        name = f"process {self._subscription.topic}"
        return self._tracer.begin(name, "consumer", self._describe(records), links=links)

    def _describe(self, records: Sequence[ConsumerRecord]) -> Attributes:
        attributes: dict[str, str | int | Sequence[str]] = {
            **self._messaging("process", "process"),
            "messaging.batch.message_count": len(records),
            "order_service.offsets": OffsetRanges(records).each(),
        }
        if len({record.partition for record in records}) == 1:
            attributes["messaging.destination.partition.id"] = str(records[0].partition)
        return attributes

    def _messaging(self, operation: str, kind: str) -> dict[str, str]:
        return {
            "messaging.system": "kafka",
            "messaging.operation.name": operation,
            "messaging.operation.type": kind,
            "messaging.destination.name": self._subscription.topic,
            "messaging.consumer.group.name": self._subscription.group,
        }

    def store(self, prepared: TracedBatch[P]) -> None:
        """See :meth:`Handler.store`."""
        if prepared.span is None:
            self._handler.store(prepared.prepared)
        else:
            try:
                self._store(prepared.prepared, prepared.span)
            except BaseException as error:
                prepared.span.failed(type(error).__name__)
                prepared.span.end()
                raise
        self._stored = prepared.span

    def _store(self, prepared: P, span: "Span") -> None:
        with bound_contextvars(trace_id=span.context.trace_id), entered(span.child("store")):
            self._handler.store(prepared)

    def idle(self) -> None:
        """See :meth:`Handler.idle`. What could be committed is."""
        self._end_uncommitted()
        self._handler.idle()

    def taken(self, messages: int, size: int) -> None:
        """See :meth:`BatchObserver.taken`."""
        self._observer.taken(messages, size)

    def took(self, stage: str, seconds: float) -> None:
        """See :meth:`BatchObserver.took`. A commit ends the batches that it is for."""
        self._observer.took(stage, seconds)
        if stage == "store":
            self._await_commit(self._stored)
        elif stage == "commit" and self._uncommitted:
            self._commit(self._uncommitted[-1], seconds)
            self._end_uncommitted()

    def _await_commit(self, span: "Span | None") -> None:
        if span is not None:
            self._uncommitted.append(span)
        while len(self._uncommitted) > _MOST_OPEN:
            self._uncommitted.popleft().end()

    def _commit(self, span: "Span", seconds: float) -> None:
        attributes = self._messaging("commit", "settle")
        name = f"commit {self._subscription.topic}"
        span.child(name, "client", attributes, took=seconds).end()

    def _end_uncommitted(self) -> None:
        while self._uncommitted:
            self._uncommitted.popleft().end()
