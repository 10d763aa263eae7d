"""Lookup of an order that Redis has, against a plain Flask view with one Redis GET."""

from collections.abc import Sequence

from benchmarks import command
from benchmarks.harness import Row, Scale, alternate, at_least
from benchmarks.load import CONNECTIONS, full_load
from benchmarks.orders import samples
from benchmarks.stack import Stack, running_stack
from benchmarks.stored import fill_cache, paths, require_level, require_same

_ORDERS = 1_000


def _rates(stack: Stack, scale: Scale) -> tuple[list[float], list[float]]:
    messages = list(samples(_ORDERS))
    fill_cache(stack, messages)
    wanted = paths(messages)
    with (
        stack.api(ORDERS_CACHE_LOCAL_SIZE="0") as api,
        stack.baseline("redis_view:app") as plain,
    ):
        require_level(api, wanted[0], "hit")
        require_same(api, plain, wanted[0])
        figures = alternate(
            lambda: full_load(api.port, wanted, scale.seconds).rate,
            lambda: full_load(plain.port, wanted, scale.seconds).rate,
            scale.pairs,
        )
        require_level(api, wanted[0], "hit")
    return figures


def run(scale: Scale) -> Sequence[Row]:
    """Measure."""
    with running_stack() as stack:
        ours, theirs = _rates(stack, scale)
    return [
        Row(
            "Lookup, cache hit in Redis (in-process level off)",
            "a plain Flask view with one Redis GET, on granian",
            at_least(2),
            ours,
            theirs,
            "requests/s",
            f"{_ORDERS:,} orders in turn, {CONNECTIONS} keep-alive connections, runs of "
            f"{scale.seconds:g} s; one worker with 12 threads on both sides.",
        )
    ]


if __name__ == "__main__":
    command.main(run, __doc__)
