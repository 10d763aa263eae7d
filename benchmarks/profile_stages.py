"""Where the time of one order and of one lookup goes, in microseconds a stage.

Each stage is run alone, many times, by the code that the service runs. Stages of different
threads and processes overlap in the service, so their sum is more than an order takes.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from benchmarks import conditions
from benchmarks.command import add_scale, end_in_good_order
from benchmarks.harness import Scale, figure
from benchmarks.load import full_load
from benchmarks.orders import Sample, samples
from benchmarks.stack import TOPIC, Stack, running_stack
from benchmarks.stored import fill_cache, paths, store
from order_service.bootstrap.api_process import make_services
from order_service.bootstrap.contexts import installed
from order_service.config import Config
from order_service.context.brokers import kafka_connection
from order_service.context.process import Process
from order_service.contexts.orders import postgres
from order_service.contexts.orders.api.representation import Representation
from order_service.contexts.orders.decode import decode
from order_service.contexts.orders.lookup import Found
from order_service.contexts.orders.model import Document, Order, digest, encode
from order_service.contexts.orders.ports import Level, OrderRecord, Source
from order_service.contexts.orders.rows import rows_of
from order_service.contexts.orders.settings import MAX_BATCH_BYTES, CacheSettings, OrdersSettings
from order_service.contexts.orders.wiring.api import open_lookup
from order_service.contexts.orders.wiring.cache import make_cache
from order_service.http.app import create_wsgi
from order_service.infra.kafka import clients as kafka_clients
from order_service.infra.logging import configure_logging

Stage = tuple[str, float]
_BATCH = 500  # orders.batch_messages in its two lanes
_LANES = 2
_LOOKUPS = 2_000


def each(call: Callable[[Any], object], over: Sequence[Any], count: int = 1) -> float:
    """Return the microseconds of one call, or of one of the `count` things it handles."""
    began = time.perf_counter()
    for one in over:
        call(one)
    return (time.perf_counter() - began) * 1e6 / (len(over) * count)


def computing(messages: Sequence[Sample]) -> Iterator[Stage]:
    """Yield what happens to a message within the consumer's process."""
    bodies = [body for _, body in messages]
    orders = [decode(body) for body in bodies]
    yield "decode and validate", each(decode, bodies)
    yield "encode as canonical JSON", each(encode, orders)
    yield "digest", each(digest, [encode(order) for order in orders])
    records = [(order, Document.of(order), Source(None, 0, 0)) for order in orders]
    yield "rows for COPY", each(lambda parts: rows_of(*parts), records)


def batches(messages: Sequence[Sample]) -> list[list[OrderRecord]]:
    """Return the messages as batches for one lane, sorted as ingest sorts them."""
    records = [_record(decode(body), offset) for offset, (_, body) in enumerate(messages)]
    slices = [records[start : start + _BATCH] for start in range(0, len(records), _BATCH)]
    return [sorted(each_slice, key=lambda record: record.uid) for each_slice in slices]


def _record(order: Order, offset: int) -> OrderRecord:
    document, source = Document.of(order), Source(None, 0, offset)
    return OrderRecord(order.order_uid, document, rows_of(order, document, source), source)


def storing(config: Config, lanes: Sequence[list[OrderRecord]]) -> Iterator[Stage]:
    """Yield what one order costs in its batch."""
    with Process(config) as process:
        orders = postgres.PostgresOrders(process.database(_LANES, postgres.ISOLATION))
        cache = make_cache(process, process.cache_client(), CacheSettings())
        half = len(lanes) // 2
        yield "store (COPY, commit), one lane", each(orders.save, lanes[:half], _BATCH)
        began = time.perf_counter()
        with ThreadPoolExecutor(_LANES) as pool:
            list(pool.map(orders.save, lanes[half:]))
        elapsed = (time.perf_counter() - began) * 1e6
        yield "the same in two lanes at once", elapsed / (_BATCH * (len(lanes) - half))
        put = [[(record.uid, record.document) for record in lane] for lane in lanes]
        yield "cache (SET, pipelined)", each(cache.put_many, put, _BATCH)


def fetching(config: Config, messages: int) -> Iterator[Stage]:
    """Yield what Kafka costs an order; the topic holds `messages`."""
    batch = config.of(OrdersSettings).batch_messages
    membership = kafka_clients.Membership("profile", batch, MAX_BATCH_BYTES, 10, 300)
    consumer = kafka_clients.open_consumer(kafka_connection(config.kafka), membership)
    consumer.subscribe([TOPIC])
    fetched, elapsed = _fetch(consumer, messages)
    yield "fetch (kafka-python)", elapsed * 1e6 / fetched
    offsets = {
        TopicPartition(TOPIC, number): OffsetAndMetadata(1, "", -1)
        for number in consumer.partitions_for_topic(TOPIC)
    }
    yield f"commit of offsets, once in {batch:,}", each(consumer.commit, [offsets] * 20, batch)
    consumer.close(autocommit=False)


def _fetch(consumer: KafkaConsumer, messages: int) -> tuple[int, float]:
    """Poll until all is read; return how many after the first poll, and the seconds."""
    first: dict[Any, list[Any]] = {}
    while not first:
        first = consumer.poll(timeout_ms=500)
    rest = messages - sum(map(len, first.values()))
    left, began = rest, time.perf_counter()
    while left > 0:
        left -= sum(map(len, consumer.poll(timeout_ms=500).values()))
    return rest, time.perf_counter() - began


def lookup_levels(stack: Stack, messages: Sequence[Sample]) -> Iterator[Stage]:
    """Yield what a lookup costs at each level, in this process, without the HTTP server."""
    uids = [uid for uid, _ in messages[:_LOOKUPS]]
    fill_cache(stack, messages[:_LOOKUPS])
    with Process(_config(stack, ORDERS_CACHE_LOCAL_SIZE="0")) as process:
        yield "Redis: GET, digest checked", each(open_lookup(process).lookup.find, uids)
    with Process(_config(stack, ORDERS_CACHE_LOCAL_SIZE="0")) as process:
        wsgi = create_wsgi(make_services(process, installed()))
        yield "whole request: Redis hit", each(lambda uid: _request(wsgi, uid), uids)
        stack.redis.flushall()
        yield "whole request: miss (Postgres, fill)", each(lambda u: _request(wsgi, u), uids)


def hot_lookups(stack: Stack, messages: Sequence[Sample]) -> Iterator[Stage]:
    """Yield what a lookup of a hot order costs, in this process and through the server."""
    uid, body = messages[0]
    fill_cache(stack, messages[:1])
    uids = [uid] * _LOOKUPS
    found = Found(Document.of(decode(body)), Level.LOCAL)
    represent = Representation().of
    with Process(_config(stack)) as process:
        yield "in-process level", each(open_lookup(process).lookup.find, uids)
        yield "status and headers", each(lambda same: represent(same, None), [found] * _LOOKUPS)
    with Process(_config(stack)) as process:
        wsgi = create_wsgi(make_services(process, installed()))
        yield "whole request: hot", each(lambda same: _request(wsgi, same), uids)


def stored_lookups(config: Config, uids: Sequence[str]) -> Iterator[Stage]:
    """Yield what the database costs a miss."""
    with Process(config) as process:
        orders = postgres.PostgresOrders(process.database(1, postgres.ISOLATION))
        orders.find(uids[0])
        yield "Postgres: query, digest checked", each(orders.find, uids)


def served(stack: Stack, messages: Sequence[Sample], scale: Scale) -> Iterator[Stage]:
    """Yield what a request costs under full load, HTTP server and network included."""
    with stack.api() as api:
        load = full_load(api.port, paths(messages[:1]), scale.seconds)
        yield "served under load: hot", 1e6 / load.rate


def _request(wsgi: Callable[..., Any], uid: str) -> bytes:
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": f"/order/{uid}",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "HTTP_HOST": "localhost",
    }
    return b"".join(wsgi(environ, lambda *_: None))


def _config(stack: Stack, **settings: str) -> Config:
    environ = {**stack.environment(), "ORDERS_CACHE_WARM_UP": "0", **settings}
    return installed().load_config(environ=environ)


def order_stages(stack: Stack, messages: Sequence[Sample]) -> Iterator[Stage]:
    """Yield the stages of an order, in their order."""
    config = _config(stack)
    yield from fetching(config, stack.send(messages))
    yield from computing(messages)
    yield from storing(config, batches(messages))


def lookup_stages(stack: Stack, messages: Sequence[Sample], scale: Scale) -> Iterator[Stage]:
    """Yield the stages of a lookup, from the fastest level on."""
    stack.empty()
    store(stack, messages)
    yield from hot_lookups(stack, messages)
    yield from lookup_levels(stack, messages)
    yield from stored_lookups(_config(stack), [uid for uid, _ in messages[:_LOOKUPS]])
    yield from served(stack, messages, scale)


def _print(title: str, stages: Iterator[Stage]) -> None:
    print(f"\n| {title} | µs |\n|---|---|")
    for name, microseconds in stages:
        print(f"| {name} | {figure(microseconds)} |", flush=True)


def main() -> None:
    """Measure all stages and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_scale(parser)
    scale = parser.parse_args().scale
    end_in_good_order()
    configure_logging("warning", "console")
    messages = list(samples(scale.orders))
    with running_stack(with_kafka=True) as stack:
        _print("stage of one order", order_stages(stack, messages))
        _print("stage of one lookup", lookup_stages(stack, messages, scale))
    print("\n" + "\n".join(f"- {line}" for line in conditions.lines()))


if __name__ == "__main__":
    main()
