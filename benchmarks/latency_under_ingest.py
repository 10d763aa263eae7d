"""Latency of lookups while orders are being stored, against the latency without."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks import command
from benchmarks.harness import Row, Scale, alternate, at_most
from benchmarks.orders import samples
from benchmarks.pace import Pace, generator
from benchmarks.stack import Process, Stack, await_that, running_stack
from benchmarks.stored import paths, require_level, store

_ORDERS = 1_000
_CONNECTIONS = 64
_INGEST_RATE = 2_000
_LONGER_S = 2.0
"""So much longer than what counts of a run orders are sent: through its lead, and some more."""


class Lookups:
    """Lookups at half of the top rate, with and without ingest beside them."""

    def __init__(self, stack: Stack, api: Process, seconds: float) -> None:
        self._stack = stack
        self._seconds = seconds
        self._pace = Pace(api.port, paths(list(samples(_ORDERS))), _CONNECTIONS)
        self.rate = self._pace.top_rate(seconds) / 2
        self.ingested: list[float] = []

    def quiet(self) -> float:
        """Return the 99th percentile without ingest, in milliseconds."""
        return self._pace.p99(self.rate, self._seconds)

    def beside_ingest(self) -> float:
        """Return the 99th percentile with ingest, in milliseconds; `ingested` is kept."""
        with self._sending():
            before, began = self._stack.rows(), time.perf_counter()
            p99 = self.quiet()
            self.ingested.append((self._stack.rows() - before) / (time.perf_counter() - began))
        return p99

    @contextlib.contextmanager
    def _sending(self) -> Iterator[None]:
        """Send orders for longer than a run takes; they arrive from the begin of the block."""
        length = str(self._seconds + _LONGER_S)
        with subprocess.Popen(
            [sys.executable, "-m", "benchmarks.trickle", str(_INGEST_RATE), length],
            env={**os.environ, **self._stack.environment()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as sender:
            try:
                self._start(sender)
                yield
                sender.wait(60)
            finally:
                sender.kill()

    def _start(self, sender: "subprocess.Popen[str]") -> None:
        if sender.stdin is None or sender.stdout is None:
            raise TypeError("the sender has no pipes")
        sender.stdout.readline()
        before = self._stack.rows()
        sender.stdin.write("go\n")
        sender.stdin.flush()
        await_that(lambda: self._stack.rows() > before, "orders are being stored")


def run(scale: Scale) -> Sequence[Row]:
    """Measure."""
    with running_stack(with_kafka=True) as stack:
        store(stack, list(samples(_ORDERS)))
        with stack.process("order_service", "consume") as consumer, stack.api() as api:
            consumer.await_status("/health/ready")
            lookups = Lookups(stack, api, scale.seconds)
            path = f"/order/{next(samples(1)).uid}"
            api.get(path)
            require_level(api, path, "local")
            ours, theirs = alternate(lookups.beside_ingest, lookups.quiet, scale.pairs)
    stored = median(lookups.ingested)
    return [
        Row(
            f"p99 of a hit at half of the top rate, {_CONNECTIONS} connections, with ingest",
            "the same without ingest",
            at_most(2),
            ours,
            theirs,
            "ms",
            f"{lookups.rate:,.0f} lookups/s of {_ORDERS:,} cached orders, half of what the same "
            f"load generator ({generator()}) gets in a closed loop; a steady rate on each "
            f"connection, runs of {scale.seconds:g} s; {stored:,.0f} orders/s "
            f"stored meanwhile (sent: {_INGEST_RATE:,}/s); consumer and API with default "
            "settings; load generator and sender run on the same cores.",
        )
    ]


if __name__ == "__main__":
    command.main(run, __doc__)
