"""Ingest against the usual way: a transaction and a cache write for every order."""

import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import command
from benchmarks.harness import Row, Scale, alternate, at_least
from benchmarks.ingest import Watch, measure, service_rate
from benchmarks.orders import samples
from benchmarks.stack import Stack, running_stack

_SCHEMA = Path(__file__).parent / "baselines/schema.sql"


def usual_rate(stack: Stack, seconds: float) -> float:
    """Return the orders a second that the usual consumer stores within `seconds`."""
    stack.empty()
    with stack.connect() as connection:
        connection.execute(_SCHEMA.read_bytes())

    def until(_watch: Watch, _before: int) -> bool:
        time.sleep(seconds)
        return True

    return measure(stack, ("benchmarks.baselines.consumer",), "plain.orders", until)


def run(scale: Scale) -> Sequence[Row]:
    """Measure."""
    with running_stack(with_kafka=True) as stack:
        messages = stack.send(samples(scale.orders))
        ours, theirs = alternate(
            lambda: service_rate(stack, messages),
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
            "fsync on; from the first visible rows to the commit of the last offset, looked for "
            f"every 50 ms. The other side: {scale.seconds:g} s from its first row, offsets "
            "committed once a poll.",
        )
    ]


if __name__ == "__main__":
    command.main(run, __doc__)
