"""Ingest and misses with many orders stored, against few."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from random import Random

from benchmarks import command
from benchmarks.client import Client
from benchmarks.harness import FULL, Row, Scale, alternate, at_least, at_most
from benchmarks.ingest import service_rate
from benchmarks.orders import samples
from benchmarks.stack import Process, Stack, running_stack
from order_service.infra.postgres.sql import load_queries

_FEW = 10_000
_CHUNK = 100_000
_LOOKUPS = 2_000


def fill(stack: Stack, orders: int) -> None:
    """Store `orders` orders that the database makes."""
    statements = load_queries("benchmarks", "fill.sql").values()
    with stack.connect() as connection:
        # Without the checks of the foreign keys: the rows are right by construction.
        connection.execute("SET session_replication_role = replica")
        for first in range(1, orders + 1, _CHUNK):
            numbers = {"first": first, "last": min(orders, first + _CHUNK - 1)}
            for statement in statements:
                connection.execute(statement.text, numbers)
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _uid(number: int) -> str:
    """Return the uid that the SQL gives to an order."""
    return hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()[:19]


def miss_latency(stack: Stack, api: Process, orders: int, random: Random) -> float:
    """Return the median latency of misses, one after the other, in milliseconds."""
    stack.redis.flushall()
    numbers = random.sample(range(1, orders + 1), min(orders, _LOOKUPS))
    wanted = [f"/order/{_uid(number)}" for number in numbers]
    with closing(Client(api.port, wanted, 1)) as client:
        return client.run_all(len(wanted)).p50


@contextlib.contextmanager
def _two_stacks() -> Iterator[tuple[Stack, Stack]]:
    """Start a database for many and one for few; they share a Kafka."""
    with running_stack(with_kafka=True) as many, running_stack() as few:
        few.kafka = many.kafka
        yield many, few


def _preload(stack: Stack, scale: Scale) -> list[tuple[str, int]]:
    """Make a topic of new orders for the warm-up and each pair; return names and lengths."""
    topics = [f"growth-{number}" for number in range(scale.pairs + 1)]
    for seed, topic in enumerate(topics, 100):
        stack.create_topic(topic)
        stack.send(samples(scale.orders // 2, seed), topic)
    return [(topic, scale.orders // 2) for topic in topics]


def _rate_of(stack: Stack, topics: Sequence[tuple[str, int]]) -> Callable[[], float]:
    """Return what measures the ingest of the next topic."""
    following = iter(topics)

    def rate() -> float:
        topic, messages = next(following)
        stack.redis.flushall()  # a full cache would cost one side more than the other
        return service_rate(stack, messages, topic)

    return rate


def _ingest(many: Stack, few: Stack, scale: Scale) -> tuple[list[float], list[float]]:
    topics = _preload(many, scale)
    rate_with_few = _rate_of(few, topics)

    def with_few() -> float:
        few.empty()
        fill(few, _FEW)
        return rate_with_few()

    return alternate(_rate_of(many, topics), with_few, scale.pairs)


def _misses(many: Stack, few: Stack, scale: Scale) -> tuple[list[float], list[float]]:
    random = Random(1)  # noqa: S311 - repeatable on purpose
    with many.api() as api_of_many, few.api() as api_of_few:
        return alternate(
            lambda: miss_latency(many, api_of_many, scale.stored, random),
            lambda: miss_latency(few, api_of_few, _FEW, random),
            scale.pairs,
        )


def run(scale: Scale) -> Sequence[Row]:
    """Measure."""
    with _two_stacks() as (many, few):
        fill(many, scale.stored)
        fill(few, _FEW)
        latencies = _misses(many, few, scale)
        rates = _ingest(many, few, scale)
    against = f"with {_FEW:,} orders stored"
    reduced = scale.stored < FULL.stored
    return [
        Row(
            f"Growth: ingest with {scale.stored:,} orders stored",
            against,
            at_least(0.8),
            *rates,
            "orders/s",
            f"{scale.orders // 2:,} new orders a run, otherwise as ingest above; filled by SQL, "
            "ids in random order; the smaller database is made anew for each run.",
            reduced,
        ),
        Row(
            f"Growth: latency of a miss with {scale.stored:,} orders stored",
            against,
            at_most(1.3),
            *latencies,
            "ms (median)",
            f"{_LOOKUPS:,} random orders one after the other on one connection, Redis emptied "
            "before each run; default settings.",
            reduced,
        ),
    ]


if __name__ == "__main__":
    command.main(run, __doc__)
