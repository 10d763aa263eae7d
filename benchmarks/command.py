"""The command line that every benchmark has."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence

from benchmarks import conditions
from benchmarks.harness import DEFAULT, FULL, QUICK, Row, Scale, show

Benchmark = Callable[[Scale], Sequence[Row]]


def add_scale(parser: argparse.ArgumentParser) -> None:
    """Add `--quick` and `--full`."""
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument(
        "--quick", dest="scale", action="store_const", const=QUICK, help="only see that it works"
    )
    sizes.add_argument(
        "--full", dest="scale", action="store_const", const=FULL, help="the sizes of the goals"
    )
    parser.set_defaults(scale=DEFAULT)


def end_in_good_order() -> None:
    """Let SIGTERM end this process as Ctrl-C does: with its servers and folders removed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def main(benchmark: Benchmark, doc: str | None) -> None:
    """Run one benchmark and print its rows."""
    end_in_good_order()
    parser = argparse.ArgumentParser(description=doc)
    add_scale(parser)
    scale = parser.parse_args().scale
    rows = benchmark(scale)
    print("\n".join(conditions.lines()))
    for row in rows:
        show(row)
