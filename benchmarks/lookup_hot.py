"""Lookup of a hot order, against the bare limit of the server."""

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks import command
from benchmarks.harness import Row, Scale, alternate, at_least
from benchmarks.load import CONNECTIONS, full_load
from benchmarks.orders import samples
from benchmarks.stack import Process, Stack, running_stack
from benchmarks.stored import fill_cache, paths, require_level

# What the server itself adds to every answer.
_SERVERS_OWN = ("date", "server")


def _record(api: Process, path: str, to: Path) -> None:
    """Keep the service's answer for the bare callable."""
    answer = api.get(path)
    headers = [(n, v) for n, v in answer.headers if n.lower() not in _SERVERS_OWN]
    recorded = {"status": "200 OK", "headers": headers, "body": answer.body.decode()}
    to.write_text(json.dumps(recorded))


def _rates(stack: Stack, scale: Scale) -> tuple[list[float], list[float]]:
    messages = list(samples(1))
    fill_cache(stack, messages)
    wanted = paths(messages)
    file = stack.folder / "answer.json"
    with stack.api() as api:
        _record(api, wanted[0], file)
        require_level(api, wanted[0], "local")
        with stack.baseline("bare:app", BENCH_ANSWER=str(file)) as bare:
            return alternate(
                lambda: full_load(api.port, wanted, scale.seconds).rate,
                lambda: full_load(bare.port, wanted, scale.seconds).rate,
                scale.pairs,
            )


def run(scale: Scale) -> Sequence[Row]:
    """Measure."""
    with running_stack() as stack:
        ours, theirs = _rates(stack, scale)
    return [
        Row(
            "Lookup, hot order (in-process level on)",
            "the limit of a WSGI server (granian): a callable that returns the same bytes",
            at_least(0.6),
            ours,
            theirs,
            "requests/s",
            f"One order, default settings (so once a second it is asked of Redis again), "
            f"{CONNECTIONS} keep-alive connections, runs of {scale.seconds:g} s; one worker "
            "with 12 threads on both sides.",
        )
    ]


if __name__ == "__main__":
    command.main(run, __doc__)
