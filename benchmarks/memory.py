"""Memory of consumer and API after traffic, against that at the start."""

import time
from collections.abc import Iterator, Mapping, Sequence

import psutil

from benchmarks import command
from benchmarks.harness import FULL, Row, Scale, at_most
from benchmarks.load import full_load
from benchmarks.orders import samples
from benchmarks.stack import Process, Stack, await_that, running_stack
from benchmarks.stored import paths

_MEGABYTE = 1_000_000
_DISTINCT = 100_000
_SETTLE_S = 2.0


def _processes(consumer: Process, api: Process) -> Iterator[tuple[str, psutil.Process]]:
    """Yield all processes of the service with their names."""
    yield "consumer", psutil.Process(consumer.pid)
    main = psutil.Process(api.pid)
    yield "API, main process", main
    for child in main.children(recursive=True):
        yield "API, worker", child


def _resident(consumer: Process, api: Process) -> Mapping[str, float]:
    """Return the resident megabytes of each process."""
    time.sleep(_SETTLE_S)
    found = _processes(consumer, api)
    return {name: process.memory_info().rss / _MEGABYTE for name, process in found}


def _traffic(stack: Stack, api: Process, scale: Scale) -> None:
    """Let the consumer store orders, then look some up again and again."""
    stack.send(samples(scale.traffic))
    await_that(lambda: _rest(stack, scale) == 0, "all orders are stored", 60 + scale.traffic / 200)
    wanted = paths(list(samples(min(scale.traffic, _DISTINCT))))
    done = 0
    while done < scale.traffic:
        done += full_load(api.port, wanted, scale.seconds).requests


def _rest(stack: Stack, scale: Scale) -> int:
    time.sleep(0.5)
    return scale.traffic - stack.rows()


def _rows(before: Mapping[str, float], after: Mapping[str, float], scale: Scale) -> list[Row]:
    facts = (
        f"Resident size before and after {scale.traffic:,} orders through Kafka and at least as "
        f"many lookups of {min(scale.traffic, _DISTINCT):,} orders; default settings."
    )
    reduced = scale.traffic < FULL.traffic
    goal = at_most(1.3)
    ratios = [
        Row(f"Memory: {n}", "at the start", goal, [after[n]], [before[n]], "MB", facts, reduced)
        for n in before
    ]
    largest = max(after.values())
    what = "Memory: the largest process"
    return [*ratios, Row(what, "", at_most(120, "MB"), [largest], (), "MB", facts, reduced)]


def run(scale: Scale) -> Sequence[Row]:
    """Measure."""
    with (
        running_stack(with_kafka=True) as stack,
        stack.process("order_service", "consume") as consumer,
        stack.api() as api,
    ):
        consumer.await_status("/health/ready")
        before = _resident(consumer, api)
        _traffic(stack, api, scale)
        after = _resident(consumer, api)
    return _rows(before, after, scale)


if __name__ == "__main__":
    command.main(run, __doc__)
