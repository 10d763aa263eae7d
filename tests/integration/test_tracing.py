"""Traces end to end: from the producer's headers through consumer and API to a collector."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from redis import Redis

from order_service.infra.kafka.clients import Connection
from tests.backends import Environ, process_environ, records_of
from tests.builders import ROOT
from tests.collector import Collector, Sent, collecting
from tests.e2e.api_process import Api, serving
from tests.integration.service_process import consuming
from tests.waiting import eventually

COUNT = 300
TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"


@pytest.fixture
def environ(service_environ: Environ, collector: Collector) -> Environ:
    """A service that records as little as it may, unless whoever calls it records."""
    return {
        **service_environ,
        "TRACING_ENDPOINT": collector.url,
        "TRACING_SAMPLE_RATIO": "0.01",
        "ORDERS_CACHE_WARM_UP": "0",
    }


class Produced(NamedTuple):
    """What the producer wrote down of one message."""

    key: str
    value: str
    valid: bool
    link: str


def produce(environ: Environ, record: Path) -> list[Produced]:
    arguments = ["--count", str(COUNT), "--invalid", "0.1", "--seed", "5", "--quiet", "--trace"]
    subprocess.run(
        [sys.executable, "-m", "producer", *arguments, "--record", str(record)],
        cwd=ROOT,
        env=process_environ(environ),
        check=True,
        timeout=60,
    )
    return [_produced(json.loads(line)) for line in record.read_text().splitlines()]


def _produced(line: dict[str, Any]) -> Produced:
    version, trace_id, span_id, flags = line["traceparent"].split("-")
    assert (version, flags) == ("00", "01")
    return Produced(line["key"], line.get("value", ""), line["valid"], f"{trace_id}-{span_id}")


def consume(environ: Environ) -> str:
    """Run a consumer until all is stored; its log."""
    with consuming(environ) as consumer:
        eventually(consumer.drained, 40, "all is consumed")
        code, log = consumer.stop()
    assert code == 0
    return log


def get(api: Api, path: str, traceparent: str) -> int:
    request = urllib.request.Request(api.url + path, headers={"traceparent": traceparent})  # noqa: S310 - http
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - http
        return int(answer.status)


def test_a_trace_leads_from_the_message_through_the_batch_to_the_store(
    environ: Environ, collector: Collector, kafka_connection: Connection, tmp_path: Path
) -> None:
    sent = produce(environ, tmp_path / "record.jsonl")
    log = consume(environ)
    topic, dead = environ["ORDERS_TOPIC"], environ["ORDERS_DEAD_LETTER_TOPIC"]
    batches = collector.named(f"process {topic}")
    assert collector.paths == {"/v1/traces"}
    links = [link for batch in batches for link in batch.links]
    assert sum(int(str(b.attributes["messaging.batch.message_count"])) for b in batches) == COUNT
    assert set(links) <= {message.link for message in sent}
    # A span keeps no more links than this.
    expected = [min(128, int(str(b.attributes["messaging.batch.message_count"]))) for b in batches]
    assert [len(batch.links) for batch in batches] == expected
    for batch in batches:
        assert_is_whole(collector, batch, topic)
    assert_dead_letters_go_on(collector, kafka_connection, dead)
    assert_log_names_the_rejected(log, sent, {batch.trace_id for batch in batches})
    assert_holds_no_data(collector, sent)


def assert_is_whole(collector: Collector, batch: Sent, topic: str) -> None:
    assert batch.kind == "consumer"
    assert not batch.parent_id
    assert batch.service == "order-service"
    assert batch.attributes["messaging.system"] == "kafka"
    assert batch.attributes["order_service.offsets"]
    parts = {span.name: span for span in collector.below(batch)}
    assert set(parts) == {"decode", "store", f"commit {topic}"}
    assert all(batch.begun <= part.begun <= part.ended <= batch.ended for part in parts.values())
    asked = collector.below(parts["store"])
    assert {"save_orders", "SET"} <= {span.name for span in asked}
    assert {span.trace_id for span in [*parts.values(), *asked]} == {batch.trace_id}


def assert_dead_letters_go_on(collector: Collector, connection: Connection, topic: str) -> None:
    published = {span.span_id: span for span in collector.named(f"send {topic}")}
    letters = records_of(connection, topic)
    parents = [dict(letter.headers)["traceparent"].decode().split("-") for letter in letters]
    assert parents
    assert all(published[span_id].trace_id == trace_id for _, trace_id, span_id, _ in parents)


def assert_log_names_the_rejected(log: str, sent: list[Produced], traces: set[str]) -> None:
    lines = [json.loads(line) for line in log.splitlines()]
    told = [line for line in lines if line["event"] == "messages were rejected"]
    assert told
    for line in told:
        assert line["trace_id"] in traces
        assert f"{line['partition']}:{line['offset']}" in line["positions"]
        assert line["offsets"]
    assert not any(message.key in log for message in sent)


def assert_holds_no_data(collector: Collector, sent: list[Produced]) -> None:
    shown = str([span.attributes for span in collector.spans])
    orders = [json.loads(message.value) for message in sent if message.valid]
    told = {order["order_uid"] for order in orders}
    told |= {order["delivery"][field] for order in orders for field in ("name", "phone", "email")}
    assert told
    assert not any(text in shown for text in told)


def test_a_request_leads_to_what_it_asks_of_redis_and_postgres(
    environ: Environ, collector: Collector, valkey: Redis, tmp_path: Path
) -> None:
    uid = next(sent.key for sent in produce(environ, tmp_path / "record.jsonl") if sent.valid)
    consume(environ)
    valkey.flushall()
    with serving(environ) as api:
        for level in ("miss", "local"):
            assert get(api, f"/order/{uid}", f"00-{TRACE}-{CALLER}-01") == 200, level
        assert get(api, f"/order/{uid}", f"00-{'1' * 32}-{CALLER}-00") == 200
        assert get(api, "/health/live", f"00-{'2' * 32}-{CALLER}-01") == 200
    requests = collector.named("GET /order/<order_uid>")
    missed, hit = sorted((span for span in requests if span.trace_id == TRACE), key=_begun)
    assert missed.kind == "server"
    assert missed.parent_id == hit.parent_id == CALLER
    assert missed.attributes["http.response.status_code"] == 200
    assert [span.attributes["order_service.cache"] for span in (missed, hit)] == ["miss", "local"]
    asked = [span.name for span in sorted(collector.below(missed), key=_begun)]
    assert asked == ["GET", "find_orders", "SET"]
    assert not collector.below(hit)
    assert {"1" * 32, "2" * 32}.isdisjoint(span.trace_id for span in collector.spans)
    assert uid not in str([span.attributes for span in collector.spans])


def _begun(span: Sent) -> int:
    return span.begun


_WITHOUT = """
import sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Without())
"""
_OFF = """
import sys
from order_service.bootstrap import api_process, worker
from order_service.bootstrap.contexts import installed
from order_service.context.process import Process
from order_service.contexts.orders.wiring import consumer
contexts = installed()
config = contexts.load_config(
    environ={
        "ORDERS_CACHE_WARM_UP": "0",
        "POSTGRES_HOST": "127.0.0.1",
        "CONTEXTS_ENABLED": "orders",
    }
)
with Process(config) as process:
    assert api_process.make_services(process, contexts).front.tracer is None
print(*sys.modules)
"""


def printed(script: str, tmp_path: Path) -> set[str]:
    """The words that a script prints."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=process_environ({}),
        check=True,
        timeout=60,
        stdout=subprocess.PIPE,
        text=True,
    )
    return set(done.stdout.split())


def test_without_an_endpoint_nothing_is_imported_to_export_with(tmp_path: Path) -> None:
    # The Redis client by itself imports the metrics of OpenTelemetry where it finds them.
    loaded = printed(_OFF, tmp_path)
    assert not {"opentelemetry.sdk.trace", "opentelemetry.exporter", "requests"} & loaded


def test_without_an_endpoint_opentelemetry_need_not_be_installed(tmp_path: Path) -> None:
    loaded = printed(_WITHOUT + _OFF, tmp_path)
    assert not any(name.partition(".")[0] == "opentelemetry" for name in loaded)


_FAULTS = """
from order_service.bootstrap.contexts import installed
found = installed().examine_config(environ={"TRACING_ENDPOINT": "http://a"})
print(*(fault.path for fault in found.faults))
"""


def test_an_endpoint_without_opentelemetry_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    assert printed(_WITHOUT + _FAULTS, tmp_path) == {"tracing.endpoint"}
    assert printed(_FAULTS, tmp_path) == set()


def test_without_an_endpoint_nothing_is_exported(
    environ: Environ, collector: Collector, tmp_path: Path
) -> None:
    environ["TRACING_ENDPOINT"] = ""
    produce(environ, tmp_path / "record.jsonl")
    consume(environ)
    assert not collector.spans


def test_a_collector_that_is_away_costs_neither_orders_nor_a_clean_end(
    environ: Environ, tmp_path: Path
) -> None:
    with collecting() as gone:
        environ["TRACING_ENDPOINT"] = gone.url
    sent = produce(environ, tmp_path / "record.jsonl")
    log = consume(environ)
    complaints = [line for line in log.splitlines() if "opentelemetry" in line]
    assert len(complaints) <= 1
    with serving(environ | {"TRACING_ENDPOINT": ""}) as api:
        wanted = next(message.key for message in sent if message.valid)
        assert api.get(f"/order/{wanted}").status == 200
