"""The relay of the outbox against the designs that are usual, on the same table."""

import contextlib
import json
import re
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import psycopg
from kafka import KafkaConsumer, TopicPartition

from benchmarks import command
from benchmarks.harness import Row, Scale, at_least, at_most, in_rounds
from benchmarks.stack import Process, Stack, await_that, kafka_name, running_stack
from order_service.messaging import outbox
from order_service.messaging.outbox import shard_of

_SCHEMA = "bench"
_KEYS = 1_000
_FEW_KEYS = 50
_VALUE = b"x" * 300
_ONE_BY_ONE_SHARE = 100
_DRAINED_S = 300.0
_LONE_RATE = 20
_BATCH = "500"

_HEADERS = json.dumps(
    {
        "id": str(uuid.UUID(int=0)),
        "type": "bench.happened.v1",
        "time": "2026-11-26T12:00:00.000000Z",
        "content-type": "application/json",
    }
)


class Design(NamedTuple):
    """A relay: the module that runs it, and its arguments."""

    name: str
    command: tuple[str, ...]


OURS = Design("ours", ("benchmarks.relay_process", _SCHEMA))
ONE_BY_ONE = Design("SKIP LOCKED, one row", ("benchmarks.baselines.relay", _SCHEMA, "1"))
IN_BATCHES = Design("SKIP LOCKED, 500 rows", ("benchmarks.baselines.relay", _SCHEMA, _BATCH))


class Bench:
    """An outbox, and topics that its messages go to."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        with stack.connect() as admin:
            admin.execute(f"CREATE SCHEMA {_SCHEMA}".encode())
            admin.execute(_documented().encode())
            role = stack.environment()["POSTGRES_USER"]
            admin.execute(f'GRANT USAGE ON SCHEMA {_SCHEMA} TO "{role}"'.encode())
            admin.execute(f'GRANT ALL ON ALL TABLES IN SCHEMA {_SCHEMA} TO "{role}"'.encode())

    def new_topic(self) -> str:
        """Create a topic of one run's own."""
        name = f"relayed-{self.stack.number()}"
        self.stack.create_topic(name)
        return name

    def fill(self, topic: str, count: int, keys: int = _KEYS) -> None:
        """Put messages of so many keys into the outbox, numbered within each."""
        with (
            self.stack.connect() as admin,
            admin.cursor() as cursor,
            cursor.copy(
                f"COPY {_SCHEMA}.outbox (message_id, topic, key, value, headers, shard) FROM STDIN"
            ) as copy,
        ):
            for number in range(count):
                key = b"key-%d" % (number % keys)
                value = b"%012d" % number + _VALUE
                copy.write_row((uuid.uuid4(), topic, key, value, _HEADERS, shard_of(key)))

    def empty(self) -> bool:
        """Whether no message waits."""
        return self.stack.rows(f"{_SCHEMA}.outbox") == 0

    @contextlib.contextmanager
    def relays(self, design: Design, count: int) -> Iterator[list[Process]]:
        """Run relays; they have done some work, so that all of them are at it."""
        with contextlib.ExitStack() as exits:
            processes = [
                exits.enter_context(self.stack.process(*design.command)) for _ in range(count)
            ]
            self.fill(self.new_topic(), 100)
            await_that(self.empty, "the relays work", _DRAINED_S)
            yield processes


def _documented() -> str:
    (block,) = re.findall(r"code-block:: sql\n\n((?:    .*\n|\n)+)", outbox.__doc__ or "")
    return str(block).replace("<schema>", _SCHEMA)


def drain_rate(bench: Bench, design: Design, count: int, relays: int = 1) -> float:
    """Return the messages a second at which a backlog leaves."""
    topic = bench.new_topic()
    with bench.relays(design, relays):
        began = time.perf_counter()
        # Filled in one transaction: the relays see all of it at once, and nothing before.
        bench.fill(topic, count)
        filled = time.perf_counter() - began
        await_that(bench.empty, f"{count} messages leave", _DRAINED_S)
        return count / (time.perf_counter() - began - filled)


def overtaken(bench: Bench, design: Design, count: int, relays: int) -> float:
    """Return how many messages came behind a later one of their key."""
    topic = bench.new_topic()
    with bench.relays(design, relays):
        bench.fill(topic, count, _FEW_KEYS)
        await_that(bench.empty, f"{count} messages leave", _DRAINED_S)
    newest: dict[bytes, int] = {}
    late = 0
    for record in _records(bench.stack, topic, count):
        number = int(record.value[:12])
        late += number < newest.get(record.key, -1)
        newest[record.key] = max(number, newest.get(record.key, -1))
    return float(late)


def _records(stack: Stack, topic: str, count: int) -> Iterator[Any]:
    with _reader(stack, topic) as consumer:
        seen = 0
        while seen < count:
            for records in consumer.poll(timeout_ms=1000).values():
                seen += len(records)
                yield from records


@contextlib.contextmanager
def _reader(stack: Stack, topic: str) -> Iterator[KafkaConsumer]:
    environment = stack.environment()
    version = environment.get("KAFKA_API_VERSION", "")
    consumer = KafkaConsumer(
        bootstrap_servers=environment["KAFKA_BOOTSTRAP_SERVERS"].split(","),
        api_version=tuple(map(int, version.split("."))) if version else None,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=20,
    )
    partitions = [
        TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()
    ]
    consumer.assign(partitions)
    consumer.seek_to_beginning()
    try:
        yield consumer
    finally:
        consumer.close(autocommit=False)


def waits(bench: Bench, design: Design, seconds: float) -> list[float]:
    """Return the milliseconds from the commit of lone messages to their arrival at a reader."""
    topic, taken = bench.new_topic(), []
    with (
        bench.relays(design, 1),
        _reader(bench.stack, topic) as consumer,
        bench.stack.connect() as admin,
    ):
        for number in range(round(seconds * _LONE_RATE)):
            # Uneven, so that no rhythm of the relay is met.
            time.sleep((number * 7 % 10 + 1) / 5.5 / _LONE_RATE)
            _add_one(admin, topic, number)
            committed = time.perf_counter()
            while not any(consumer.poll(timeout_ms=1000).values()):
                pass
            taken.append((time.perf_counter() - committed) * 1000)
    return taken


def _add_one(admin: psycopg.Connection[Any], topic: str, number: int) -> None:
    key = b"key-%d" % (number % _KEYS)
    admin.execute(
        f"INSERT INTO {_SCHEMA}.outbox (message_id, topic, key, value, headers, shard) "  # noqa: S608
        "VALUES (%s, %s, %s, %s, %s, %s)",
        (uuid.uuid4(), topic, key, _VALUE, _HEADERS, shard_of(key)),
    )


def p99(values: Sequence[float]) -> float:
    """Return the value that one in a hundred exceeds."""
    return sorted(values)[min(len(values) - 1, len(values) * 99 // 100)]


def run(scale: Scale) -> Sequence[Row]:
    """Measure."""
    with running_stack(with_kafka=True) as stack:
        bench = Bench(stack)
        return [*_rates(bench, scale), *_order(bench, scale), _latency(bench, scale)]


def _rates(bench: Bench, scale: Scale) -> list[Row]:
    few = max(200, scale.orders // _ONE_BY_ONE_SHARE)
    many = scale.orders // 3
    ours, one_by_one, in_batches = in_rounds(
        [
            lambda: drain_rate(bench, OURS, many),
            lambda: drain_rate(bench, ONE_BY_ONE, few),
            lambda: drain_rate(bench, IN_BATCHES, many),
        ],
        scale.pairs,
    )
    return [
        Row(
            "Relay of an outbox, one process",
            "SKIP LOCKED, one row a transaction",
            at_least(5),
            ours,
            one_by_one,
            "messages/s",
            f"A backlog of {many:,} messages of 312 bytes and {_KEYS:,} keys, of {few:,} for "
            f"the other; durable Postgres, {kafka_name()}.",
        ),
        Row(
            "Relay of an outbox, one process",
            "SKIP LOCKED, 500 rows a transaction",
            at_least(0.8),
            ours,
            in_batches,
            "messages/s",
            f"A backlog of {many:,} messages. The other holds a transaction open while it "
            "publishes, and keeps no order as soon as there are two of it.",
        ),
    ]


def _order(bench: Bench, scale: Scale) -> list[Row]:
    count = scale.orders // 3
    return [
        Row(
            f"Messages that came behind a later one of their key, two relays: {design.name}",
            "",
            at_most(0, "messages") if design is OURS else None,
            [overtaken(bench, design, count, 2)],
            (),
            "messages",
            f"Of {count:,} of {_FEW_KEYS} keys.",
        )
        for design in (OURS, IN_BATCHES)
    ]


def _latency(bench: Bench, scale: Scale) -> Row:
    return Row(
        "From commit to a reader of the topic, lone messages, p99",
        "",
        at_most(200, "ms"),
        [p99(waits(bench, OURS, 2 * scale.seconds)) for _ in range(scale.pairs)],
        (),
        "ms",
        f"{_LONE_RATE} messages a second at uneven times, one relay.",
    )


if __name__ == "__main__":
    command.main(run, __doc__)
