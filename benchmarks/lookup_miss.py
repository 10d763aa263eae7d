"""Lookup of an order that only Postgres has, against four queries in a plain Flask view."""

from collections.abc import Callable, Sequence
from itertools import count

from benchmarks import command
from benchmarks.client import Load
from benchmarks.harness import Row, Scale, alternate, at_least
from benchmarks.load import CONNECTIONS, full_load
from benchmarks.orders import Sample, samples
from benchmarks.stack import Process, Stack, running_stack
from benchmarks.stored import paths, require_same, store

MOST_A_SECOND = 16_000
"""Far more misses than a worker can answer, so that no order is asked for twice in a run."""


def load_of_misses(
    stack: Stack,
    server: Process,
    messages: Sequence[Sample],
    seconds: float,
    connections: int = CONNECTIONS,
) -> Callable[[], Load]:
    """Return what loads a server with misses alone."""
    wanted = paths(messages)
    runs = count()

    def run() -> Load:
        stack.redis.flushall()
        # Another order in each run: no entry of the in-process level may be left.
        start = next(runs) * 7919 % len(wanted)
        load = full_load(server.port, wanted[start:] + wanted[:start], seconds, connections)
        if load.requests > len(wanted):
            raise RuntimeError("some orders were asked for twice: they were hits")
        return load

    return run


def _rates(
    stack: Stack, messages: Sequence[Sample], scale: Scale, **settings: str
) -> tuple[list[float], list[float]]:
    with stack.api() as api, stack.baseline("four_queries:app", **settings) as plain:
        require_same(api, plain, f"/order/{messages[0].uid}")
        ours = load_of_misses(stack, api, messages, scale.seconds)
        theirs = load_of_misses(stack, plain, messages, scale.seconds)
        return alternate(lambda: ours().rate, lambda: theirs().rate, scale.pairs)


def _conditions(messages: Sequence[Sample], scale: Scale) -> str:
    return (
        f"{len(messages):,} stored orders, each asked for at most once a run, Redis emptied before "
        f"each; {CONNECTIONS} keep-alive connections, runs of {scale.seconds:g} s; default "
        "settings: ours asks Redis before and fills it behind. "
    )


def run(scale: Scale) -> Sequence[Row]:
    """Measure, once with the queries alone on the other side and once with a cache as well."""
    messages = list(samples(round(MOST_A_SECOND * scale.seconds)))
    with running_stack() as stack:
        store(stack, messages)
        alone = _rates(stack, messages, scale)
        aside = _rates(stack, messages, scale, BENCH_CACHE_ASIDE="1")
    title, unit = "Lookup, cache miss (Postgres)", "requests/s"
    facts = _conditions(messages, scale)
    return [
        Row(
            title,
            "four serial queries in a plain Flask view, without any cache",
            at_least(2),
            *alone,
            unit,
            facts + "The other side touches Postgres alone.",
        ),
        Row(
            title,
            "the same job: Redis GET, four serial queries, Redis SET in a plain Flask view",
            None,
            *aside,
            unit,
            facts + "So does the other side.",
        ),
    ]


if __name__ == "__main__":
    command.main(run, __doc__)
