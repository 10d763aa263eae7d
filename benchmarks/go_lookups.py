"""Lookups against Go services of the same kind: from memory, from Redis, from Postgres."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import NamedTuple

from benchmarks import command
from benchmarks.client import Load
from benchmarks.golang import NoGoError, built, go_version
from benchmarks.harness import FULL, Goal, Row, Scale, at_least, at_most, take_turns
from benchmarks.load import full_load
from benchmarks.lookup_miss import MOST_A_SECOND, load_of_misses
from benchmarks.orders import Sample, samples
from benchmarks.stack import Process, Stack, running_stack
from benchmarks.stored import fill_cache, paths, require_level, require_same, store

_HOT = 1_000
_CONNECTIONS = (16, 64)
_SECONDS = 1.0
"""Length of a run below the full sizes: there are many."""

Run = Callable[[], Load]


class Taken(NamedTuple):
    """One run: what the clients saw, and the server's own processor time a request in µs."""

    load: Load
    cpu: float


@dataclass(frozen=True)
class Level:
    """Where the orders are found, on both sides.

    Attributes:
        what: The rows' title.
        against: What the Go service does.
        mode: Which Go service it is.
        goal: Of the rate.
        settings: Of our API, where they are not the defaults.
        misses: Every order is asked for once, and is in no cache.
        only_full: It is measured at the full sizes alone.
    """

    what: str
    against: str
    mode: str
    goal: Goal | None
    settings: dict[str, str]
    misses: bool = False
    only_full: bool = False


_ASIDE = "Go: Redis GET, four queries, Redis SET (net/http, pgx, go-redis)"
LEVELS = (
    Level(
        f"Lookup, {_HOT:,} hot orders (in-process level)",
        "Go: all orders as ready bytes in a map (net/http)",
        "memory",
        at_least(1.3),
        {},
    ),
    Level(
        "Lookup, cache hit in Redis (in-process level off)",
        "Go: one Redis GET (net/http, go-redis)",
        "cached",
        at_least(1.5),
        {"ORDERS_CACHE_LOCAL_SIZE": "0"},
    ),
    Level("Lookup, cache miss (Postgres)", _ASIDE, "cached", at_least(1.5), {}, misses=True),
    Level(
        "Lookup, cache miss (Postgres)",
        "the same with the four queries in one round trip (pgx.Batch)",
        "pipelined",
        None,
        {},
        misses=True,
        only_full=True,
    ),
)


class Sides:
    """Our API and a Go service on the same servers."""

    def __init__(self, stack: Stack, level: Level, messages: Sequence[Sample]) -> None:
        self._stack = stack
        self._level = level
        self._messages = messages

    @contextlib.contextmanager
    def running(self) -> Iterator[tuple[Process, Process]]:
        """Start both, and see that they answer alike."""
        level, path = self._level, f"/order/{self._messages[0].uid}"
        with self._stack.api(**level.settings) as api, self._stack.go_api(level.mode) as other:
            require_same(api, other, path)
            if not level.misses:
                require_level(api, path, "hit" if level.settings else "local")
            yield api, other

    def taken(self, server: Process, seconds: float, connections: int) -> Callable[[], Taken]:
        """Return what makes one run."""
        run = self._run(server, seconds, connections)

        def taken() -> Taken:
            before = server.cpu_seconds()
            load = run()
            return Taken(load, (server.cpu_seconds() - before) / load.requests * 1e6)

        return taken

    def _run(self, server: Process, seconds: float, connections: int) -> Run:
        if self._level.misses:
            return load_of_misses(self._stack, server, self._messages, seconds, connections)
        wanted = paths(self._messages[:_HOT])
        return lambda: full_load(server.port, wanted, seconds, connections)


def _measure(stack: Stack, level: Level, messages: Sequence[Sample], scale: Scale) -> Iterator[Row]:
    sides = Sides(stack, level, messages)
    stack.redis.flushall()
    fill_cache(stack, messages[:_HOT])
    with sides.running() as (api, other):
        for connections in (*_CONNECTIONS, 1):
            ours, theirs = take_turns(
                sides.taken(api, scale.seconds, connections),
                sides.taken(other, scale.seconds, connections),
                scale.pairs,
                lambda each: each.load.rate,
            )
            facts = _facts(level, scale, connections, ours, theirs)
            yield from _rows(level, connections, ours, theirs, facts)


def _rows(
    level: Level, connections: int, ours: Sequence[Taken], theirs: Sequence[Taken], facts: str
) -> Iterator[Row]:
    def row(title: str, of: Callable[[Load], float], goal: Goal | None, unit: str) -> Row:
        figures = [[of(each.load) for each in side] for side in (ours, theirs)]
        return Row(title, level.against, goal, figures[0], figures[1], unit, facts)

    if connections == 1:
        title = f"{level.what}: latency of a lone request"
        yield row(title, lambda load: load.p50, level.goal and at_most(1.2), "ms (median)")
        return
    title = f"{level.what}, {connections} connections"
    yield row(title, lambda load: load.rate, level.goal, "requests/s")
    yield row(f"{title}: p99", lambda load: load.p99, level.goal and at_most(1), "ms")


def _facts(
    level: Level, scale: Scale, connections: int, ours: Sequence[Taken], theirs: Sequence[Taken]
) -> str:
    orders = (
        "each order asked for at most once a run, Redis emptied before each"
        if level.misses
        else f"{_HOT:,} orders in turn"
    )
    cpu = [median(each.cpu for each in side) for side in (ours, theirs)]
    return (
        f"{orders}; {connections} keep-alive connections, runs of {scale.seconds:g} s; ours "
        f"and {go_version()} with their defaults. Processor time of the server "
        f"alone for a request: ours {cpu[0]:.0f} µs, the other {cpu[1]:.0f} µs."
    )


def _skipped(reason: str) -> list[Row]:
    return [
        Row(level.what, level.against, level.goal, (), (), "", "", skipped=reason)
        for level in LEVELS
    ]


def run(scale: Scale) -> Sequence[Row]:
    """Measure."""
    try:
        built()
    except NoGoError as error:
        return _skipped(str(error))
    full = scale == FULL
    if not full:
        # In runs this short one moment of the machine weighs much: more of them.
        pairs = 2 * scale.pairs - 1
        scale = replace(scale, seconds=min(scale.seconds, _SECONDS), pairs=pairs)
    messages = list(samples(round(MOST_A_SECOND * scale.seconds)))
    levels = [level for level in LEVELS if full or not level.only_full]
    with running_stack() as stack:
        store(stack, messages)
        return [row for level in levels for row in _measure(stack, level, messages, scale)]


if __name__ == "__main__":
    command.main(run, __doc__)
