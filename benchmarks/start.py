"""From the start of the API's process to its first answer and to a warm cache."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from benchmarks import command
from benchmarks.golang import NoGoError, built, go_version
from benchmarks.harness import Row, Scale, at_most, take_turns
from benchmarks.orders import samples
from benchmarks.stack import Process, Stack, await_that, running_stack
from benchmarks.stored import store

_STORED = 5_000
_WARM = 1_000  # cache.warm_up


class Start(NamedTuple):
    """Seconds since the process was started."""

    ready: float
    warm: float


def ours(stack: Stack) -> Start:
    """Start the API on an empty cache."""
    stack.redis.flushall()
    cache = stack.redis
    return _timed(
        lambda: stack.process("order_service", "api"),
        "/health/ready",
        lambda _: cache.dbsize() == _WARM,
    )


def usual(stack: Stack) -> Start:
    """Start the Go service that loads all orders before it answers."""
    return _timed(lambda: stack.go("memory"), "/up", lambda _: True)


def _timed(
    start: Callable[[], AbstractContextManager[Process]],
    path: str,
    is_warm: Callable[[Process], bool],
) -> Start:
    began = time.perf_counter()
    with start() as process:
        process.await_status(path)
        ready = time.perf_counter() - began
        await_that(lambda: is_warm(process), "a warm cache")
        return Start(ready, time.perf_counter() - began)


def _rows(starts: Sequence[Start], others: Sequence[Start], note: str) -> Sequence[Row]:
    against = "Go: net/http, all orders loaded into a map first" if others else ""
    ready, warm = ([getattr(each, name) for each in starts] for name in Start._fields)
    facts = (
        f"{_STORED:,} stored orders, an empty Redis, packages compiled to bytecode before; asked "
        "every 10 ms. " + note
    )
    title = "Start of the API: process to"
    rows = [
        Row(f"{title} ready", "", at_most(0.9, "s"), ready, (), "s", facts),
        Row(f"{title} a warm cache", "", at_most(1.1, "s"), warm, (), "s", facts),
    ]
    if others:
        theirs = [each.warm for each in others]
        rows.append(Row(f"{title} a warm cache", against, None, warm, theirs, "s", facts))
    return rows


def run(scale: Scale) -> Sequence[Row]:
    """Measure."""
    with running_stack() as stack:
        store(stack, list(samples(_STORED)))
        try:
            built()
        except NoGoError as error:
            starts = [ours(stack) for _ in range(scale.pairs)]
            return _rows(starts, (), f"Not compared with Go: {error}.")
        starts, others = take_turns(
            lambda: ours(stack), lambda: usual(stack), scale.pairs, lambda each: each.warm
        )
    return _rows(starts, others, f"{_WARM:,} orders are warmed up; {go_version()} loads all.")


if __name__ == "__main__":
    command.main(run, __doc__)
