"""A trace goes on through an inbox: the effect and its answers belong to the message's trace."""

from collections.abc import Sequence
from contextlib import closing
from typing import Any
from uuid import UUID

import pytest

from order_service.infra.postgres.faults import UnavailableError
from order_service.infra.tracing.spans import current_span
from order_service.messaging.envelope import Envelope
from order_service.messaging.inbox import Committed, IncomingMessage
from order_service.messaging.inbox.tracing import TracedBatchEffects, TracedEffects, traced
from tests.collector import Collector
from tests.unit.messaging_fakes import Counting
from tests.unit.messaging_fakes import pending as pending_message
from tests.unit.tracing_support import ALWAYS, SPAN, TRACE, UNSAMPLED, tracer_to

SAMPLED = f"00-{TRACE}-{SPAN}-01"


class Answering(Counting):
    """Effects that note what an answer would be a consequence of, or fail."""

    def __init__(self, *, fails: bool = False) -> None:
        self.answers: list[str | None] = []
        self._fails = fails

    def apply(self, transaction: Any, message: IncomingMessage, content: int) -> None:  # noqa: ANN401 - a fake
        del transaction, message, content
        span = current_span()
        self.answers.append(span.context.header() if span else None)
        if self._fails:
            raise UnavailableError("away")


def incoming(traceparent: str) -> IncomingMessage:
    headers = [(name, text.encode()) for name, text in pending_message(7).headers.items()]
    envelope = Envelope.parse([*headers, ("traceparent", traceparent.encode())])
    return IncomingMessage(envelope, "t", b"k", b"7")


def handle(collector: Collector, traceparents: Sequence[str], *, fails: bool = False) -> Answering:
    effects = Answering(fails=fails)
    with closing(tracer_to(collector, ALWAYS)) as tracer:
        traced = TracedEffects(effects, tracer)
        for traceparent in traceparents:
            message = incoming(traceparent)
            traced.apply(None, message, traced.decode(message))  # type: ignore[arg-type]
    return effects


def test_the_effect_of_a_recorded_message_is_a_span_below_it(collector: Collector) -> None:
    effects = handle(collector, [SAMPLED])
    (span,) = collector.named("process test.happened.v1")
    assert (span.trace_id, span.parent_id, span.kind) == (TRACE, SPAN, "consumer")
    assert span.attributes["messaging.message.id"] == str(UUID(int=7))
    (answer,) = effects.answers
    assert answer == f"00-{TRACE}-{span.span_id}-01"


def test_a_message_that_is_not_recorded_makes_no_span(collector: Collector) -> None:
    effects = handle(collector, [UNSAMPLED, "", "garbage"])
    assert collector.spans == []
    assert effects.answers == [None, None, None]


def test_an_effect_that_fails_marks_its_span(collector: Collector) -> None:
    with pytest.raises(UnavailableError):
        handle(collector, [SAMPLED], fails=True)
    (span,) = collector.named("process test.happened.v1")
    assert span.failed


class Together:
    """BatchEffects that remember the traces that they see, or fail."""

    def __init__(self, *, fails: bool = False) -> None:
        self.seen: list[str] = []
        self._fails = fails

    def decode(self, message: IncomingMessage) -> int:
        return int(message.value or b"0")

    def apply_all(self, transaction: Any, messages: Any) -> Committed:  # noqa: ANN401 - a fake
        del transaction
        self.seen += [message.envelope.traceparent for message, _ in messages]
        if self._fails:
            raise UnavailableError("away")
        return lambda: self.seen.append("committed")


def test_each_recorded_message_of_a_batch_has_a_span_that_its_answer_comes_from(
    collector: Collector,
) -> None:
    effects = Together()
    with closing(tracer_to(collector, ALWAYS)) as tracer:
        around = traced(effects, tracer)
        assert isinstance(around, TracedBatchEffects)
        batch = [(incoming(each), 7) for each in (SAMPLED, "", SAMPLED)]
        around.apply_all(None, batch)()  # type: ignore[arg-type]
    spans = collector.named("process test.happened.v1")
    assert {(span.trace_id, span.parent_id) for span in spans} == {(TRACE, SPAN)}
    first, unrecorded, second, after = effects.seen
    assert {first, second} == {f"00-{TRACE}-{span.span_id}-01" for span in spans}
    assert unrecorded == ""
    assert after == "committed"


def test_a_batch_that_fails_marks_all_of_its_spans(collector: Collector) -> None:
    with closing(tracer_to(collector, ALWAYS)) as tracer:
        around = traced(Together(fails=True), tracer)
        assert isinstance(around, TracedBatchEffects)
        with pytest.raises(UnavailableError):
            around.apply_all(None, [(incoming(SAMPLED), 7)] * 2)  # type: ignore[arg-type]
    assert [span.failed for span in collector.named("process test.happened.v1")] == [True, True]
