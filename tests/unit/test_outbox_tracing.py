"""The way of a message from the outbox to its topic is a span, below which it goes on."""

from collections.abc import Mapping, Sequence
from contextlib import closing

import pytest

from order_service.messaging.errors import TopicsUnavailableError
from order_service.messaging.outbox.ports import PendingMessage
from order_service.messaging.outbox.tracing import TracedTopics
from tests.collector import Collector, Sent
from tests.unit.messaging_fakes import Fault, Wire, pending
from tests.unit.tracing_support import ALWAYS, SPAN, TRACE, UNSAMPLED, tracer_to

SAMPLED = f"00-{TRACE}-{SPAN}-01"


def message(id_: int, traceparent: str, size: int = 1) -> PendingMessage:
    plain = pending(id_, value=b"x" * size)
    return plain._replace(headers={**plain.headers, "traceparent": traceparent})


def publish(
    collector: Collector, wire: Wire, messages: Sequence[PendingMessage]
) -> Mapping[int, str]:
    with closing(tracer_to(collector, ALWAYS)) as tracer:
        topics = TracedTopics(wire, tracer)
        try:
            return topics.publish(messages)
        finally:
            topics.close()


def by_message(collector: Collector) -> dict[object, Sent]:
    return {span.attributes["messaging.message.id"]: span for span in collector.named("send t")}


def test_each_recorded_message_goes_on_below_a_span_of_its_own(collector: Collector) -> None:
    wire = Wire()
    sent = [message(1, SAMPLED), message(2, UNSAMPLED), pending(3), message(4, SAMPLED)]
    assert publish(collector, wire, sent) == {}
    spans = by_message(collector)
    assert spans.keys() == {sent[0].headers["id"], sent[3].headers["id"]}
    for span in spans.values():
        assert (span.trace_id, span.parent_id, span.kind) == (TRACE, SPAN, "producer")
        assert not span.failed
    first, second, third, fourth = wire.arrived
    for arrived in (first, fourth):
        own = spans[arrived.headers["id"]]
        assert arrived.headers["traceparent"] == f"00-{TRACE}-{own.span_id}-01"
    assert [second, third] == sent[1:3]
    assert [each._replace(headers={}) for each in wire.arrived] == [
        each._replace(headers={}) for each in sent
    ]
    assert wire.closed == 1


def test_a_message_that_is_refused_marks_its_span_alone(collector: Collector) -> None:
    wire = Wire()
    wire.largest = 10
    sent = [message(1, SAMPLED), message(2, SAMPLED, size=11), pending(3, value=b"x" * 11)]
    assert publish(collector, wire, sent).keys() == {2, 3}
    failed = {id_: span.failed for id_, span in by_message(collector).items()}
    assert failed == {sent[0].headers["id"]: False, sent[1].headers["id"]: True}


def test_what_is_not_acknowledged_marks_all_spans(collector: Collector) -> None:
    wire = Wire()
    wire.fault = Fault.UNAVAILABLE
    with pytest.raises(TopicsUnavailableError):
        publish(collector, wire, [message(1, SAMPLED), message(2, SAMPLED)])
    assert [span.failed for span in collector.named("send t")] == [True, True]
