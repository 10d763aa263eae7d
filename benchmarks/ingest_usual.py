"""Ingest against the usual way: a transaction and a cache write for every order."""

import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import command
from benchmarks.harness import Row, Scale, alternate, at_least
from benchmarks.ingest import LOOK_S, service_rate, settings_of_run
from benchmarks.orders import samples
from benchmarks.stack import TOPIC, Process, Stack, await_that, running_stack

_SCHEMA = Path(__file__).parent / "baselines/schema.sql"


def our_rate(stack: Stack, messages: int) -> float:
    """Return the orders a second that the service stores."""
    stack.empty()
    return service_rate(stack, messages)


def usual_rate(stack: Stack, seconds: float) -> float:
    """Return the orders a second that the usual consumer stores within `seconds`."""
    usual_tables(stack)
    settings = settings_of_run(stack, TOPIC)
    with stack.process("benchmarks.baselines.consumer", settings=settings) as consumer:
        return rate_of(stack, consumer, seconds)


def usual_tables(stack: Stack) -> None:
    """Make the tables of the usual way anew, and forget all orders."""
    stack.empty()
    with stack.connect() as connection:
        connection.execute(_SCHEMA.read_bytes())


def rate_of(stack: Stack, consumer: Process, seconds: float) -> float:
    """Return the orders a second that a usual consumer stores within `seconds` after its first."""
    await_that(lambda: consumer.is_alive() and _rows(stack), "a first row")
    began, first = time.perf_counter(), _rows(stack)
    time.sleep(seconds)
    elapsed, last = time.perf_counter() - began, _rows(stack)
    return (last - first) / elapsed


def _rows(stack: Stack) -> int:
    return stack.rows("plain.orders")


def run(scale: Scale) -> Sequence[Row]:
    """Measure."""
    with running_stack(with_kafka=True) as stack:
        messages = stack.send(samples(scale.orders))
        ours, theirs = alternate(
            lambda: our_rate(stack, messages),
            lambda: usual_rate(stack, scale.seconds),
            scale.pairs,
        )
    return [
        Row(
            "Ingest: Kafka to committed rows in four tables, cache and committed offsets",
            "the usual way: one SERIALIZABLE transaction of 5 statements and one SET an order",
            at_least(12),
            ours,
            theirs,
            "orders/s",
            f"{messages:,} preloaded orders, `order-service consume` with default settings, "
            "Postgres with fsync on; from the first commit of offsets to the last, looked for "
            f"every {LOOK_S * 1000:g} ms. The other side: rows within {scale.seconds:g} s after "
            "its first one, offsets committed once a poll, tables without the indexes of the "
            "lists.",
        )
    ]


if __name__ == "__main__":
    command.main(run, __doc__)
