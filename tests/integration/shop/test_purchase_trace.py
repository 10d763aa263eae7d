"""A purchase is one trace through all contexts, to which the batch of its order is linked."""

import pytest

from tests.backends import Environ
from tests.collector import Collector, Sent
from tests.shop import DELIVERY, open_shop, wish, working
from tests.waiting import eventually

pytestmark = pytest.mark.apache_kafka

WAIT_S = 60.0
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"


def only(collector: Collector, name: str) -> Sent:
    (span,) = (span for span in collector.named(name) if span.trace_id == TRACE)
    return span


def test_a_trace_goes_from_the_request_through_all_hops_to_the_order(
    shop_environ: Environ, collector: Collector
) -> None:
    # Little is recorded but what comes from a recorded trace.
    environ = {
        **shop_environ,
        "TRACING_ENDPOINT": collector.url,
        "TRACING_SAMPLE_RATIO": "0.01",
    }
    with open_shop(environ) as shop:
        person = shop.person()
        person.open_wallet()
        person.deposit(10_000)
        header = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
        wanted = wish(delivery=DELIVERY)
        bought = person.ask("POST", "/purchases", wanted, headers=header).get_json()["id"]
        # What is not part of a recorded trace goes the same way and leaves no span.
        header = {"traceparent": f"00-{'1' * 32}-{CALLER}-00"}
        other = person.ask("POST", "/purchases", wanted, headers=header).get_json()["id"]
        with working(environ, "orders-consumer"), working(environ):
            for purchase in (bought, other):
                uid = person.settled(purchase, WAIT_S)["order_uid"]
                there = lambda at=f"/order/{uid}": person.ask("GET", at).status_code == 200  # noqa: E731
                eventually(there, WAIT_S, "the order is there")

    requests, settlements = (
        shop_environ[f"CHECKOUT_{name}_TOPIC"] for name in ("REQUESTS", "SETTLEMENTS")
    )
    orders = shop_environ["ORDERS_TOPIC"]
    way = [
        only(collector, "POST /purchases"),
        only(collector, f"send {requests}"),
        only(collector, "process checkout.payment-requested.v1"),
        only(collector, f"send {settlements}"),
        only(collector, "process payments.payment-settled.v1"),
        only(collector, f"send {orders}"),
    ]
    assert [span.kind for span in way] == [
        "server", "producer", "consumer", "producer", "consumer", "producer",
    ]  # fmt: skip
    assert [span.parent_id for span in way] == [CALLER, *(span.span_id for span in way[:-1])]
    assert [span.begun for span in way] == sorted(span.begun for span in way)
    assert not any(span.failed for span in collector.spans)

    # Orders come in batches of many traces: theirs is linked to ours.
    batches = [span for span in collector.named(f"process {orders}") if span.links]
    assert [span.links for span in batches] == [(f"{TRACE}-{way[-1].span_id}",)]
    assert "save_orders" in {
        span.name for span in collector.spans if span.trace_id == batches[0].trace_id
    }
    assert "1" * 32 not in {span.trace_id for span in collector.spans}
    assert not any(str(person.id) in str(span.attributes) for span in collector.spans)
