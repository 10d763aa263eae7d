"""Runs all benchmarks one after the other and writes the table into docs/performance.md."""

import argparse
import importlib
import os
import sys
import time
from collections.abc import Sequence

from benchmarks import command, conditions, history, report
from benchmarks.harness import QUICK, Row, Scale, show

NAMES = (
    "ingest_usual",
    "go_ingest",
    "ingest_limit",
    "lookup_hit",
    "lookup_hot",
    "lookup_miss",
    "go_lookups",
    "latency_under_ingest",
    "warm_up",
    "validation",
    "accounts_tokens",
    "accounts_sign_in",
    "registration_event",
    "ledger",
    "poller",
    "accrual",
    "relay",
    "memory",
    "growth",
    "purchases",
    "latency_under_shop",
    "cold_start",
    "start",
)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    command.add_scale(parser)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"only these, without the table: {' '.join(NAMES)}"
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NAMES):
        parser.error(f"unknown: {' '.join(sorted(unknown))}")
    return arguments


def measure(names: Sequence[str], scale: Scale) -> tuple[list[Row], list[str]]:
    """Run benchmarks; return their rows, and what failed. One that fails stops no other."""
    rows: list[Row] = []
    failures: list[str] = []
    for name in names:
        began = time.monotonic()
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            found = importlib.import_module(f"benchmarks.{name}").run(scale)
        except Exception as error:  # noqa: BLE001 - whatever it was, the others are still wanted
            failures.append(f"{name}: {type(error).__name__}: {str(error).splitlines()[0][:200]}")
            print(f"  {error}", file=sys.stderr)
            continue
        rows += found
        print(f"  {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return rows, failures


def main() -> int:
    """Run what was asked for; return 1 if something could not be measured."""
    arguments = _arguments()
    command.end_in_good_order()
    load = f"Load average before: {os.getloadavg()[0]:.1f} (an idle machine has less than 0.3)"
    rows, failures = measure(arguments.names or NAMES, arguments.scale)
    facts = [*conditions.lines(), load, f"Size: {arguments.scale.name}"]
    print("\n".join(facts))
    for row in rows:
        show(row)
    print("\n".join(f"FAILED {failure}" for failure in failures))
    if rows:
        print(f"kept in {history.write(facts, rows)}")
    if not arguments.names and arguments.scale is not QUICK:
        report.write(report.PERFORMANCE, report.document(facts, rows, failures))
        print(f"written to {report.PERFORMANCE}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
