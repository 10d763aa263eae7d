"""Lookups at a steady rate on many connections: h2load where it is installed, else our own client.

The rate is half of what the generator itself gets answered, so it must be a lean one: our client
takes a core for 10,000 requests a second, and with it on the same cores as the server the
top rate, and the latency, are its own. h2load takes a third of that.

Each of h2load's connections sends at a rate of its own, and they begin a millisecond apart. Its
latencies count from the sending, though a request may have been due while the one before it on
its connection was not answered; that wait is added as HdrHistogram does it for an expected
interval. Our client counts from the time when a request was due.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from benchmarks.client import Client, summary

_MEMORY = "/dev/shm"  # noqa: S108 - a folder of our own is made in it
_LEAD_S = 1.0
"""Length of what comes before each run and does not count: a steady state has hot orders."""


def generator() -> str:
    """Return the name of what makes the load."""
    return "h2load" if _has_h2load() else "the benchmark's own client"


def _has_h2load() -> bool:
    return shutil.which("h2load") is not None


class Pace:
    """Asks a server for `paths` over and over.

    Args:
        port: Of the server, on loopback.
        paths: What to get; only 200 is right.
        connections: Keep-alive connections.
    """

    def __init__(self, port: int, paths: Sequence[str], connections: int) -> None:
        self._port = port
        self._paths = paths
        self._connections = connections
        self._with_h2load = _has_h2load()

    def top_rate(self, seconds: float) -> float:
        """Return the requests a second that are answered if each follows the answer before."""
        if self._with_h2load:
            return len(self._h2load("-D", str(round(_LEAD_S + seconds)))) / seconds
        with closing(Client(self._port, self._paths, self._connections)) as client:
            client.run(_LEAD_S)
            return client.run(seconds).rate

    def p99(self, rate: float, seconds: float) -> float:
        """Return the 99th percentile of `seconds` at `rate` requests a second, in milliseconds."""
        if self._with_h2load:
            return summary(self._at(rate, seconds), seconds).p99
        with closing(Client(self._port, self._paths, self._connections)) as client:
            client.run(_LEAD_S, rate)
            return client.run(seconds, rate).p99

    def _at(self, rate: float, seconds: float) -> list[float]:
        """Return h2load's latencies at a rate, with the waits that it leaves out; in seconds."""
        interval = self._connections / rate
        count = round(rate * (_LEAD_S + seconds))
        shape = ("-n", str(count), "-r", "1", "--rate-period=1ms", f"--rps={1 / interval:.3f}")
        return list(with_waits(self._h2load(*shape), interval))

    def _h2load(self, *shape: str) -> list[float]:
        """Return the latencies, in seconds, of all that was sent after the lead."""
        with tempfile.TemporaryDirectory(dir=_in_memory()) as folder:
            targets, log = Path(folder, "targets"), Path(folder, "log")
            base = f"http://127.0.0.1:{self._port}"
            targets.write_text("\n".join(base + path for path in self._paths))
            files = ("-i", str(targets), "--log-file", str(log))
            clients = ("-t", "1", "-c", str(self._connections))
            command = ["h2load", "--h1", *clients, *files, *shape]
            subprocess.run(command, check=True, capture_output=True)
            return latencies_of(log.read_text())


def _in_memory() -> str | None:
    """Return a folder that lies in memory, None if there is none.

    h2load writes a line for each answer from its one thread. On the disk to which Postgres commits,
    that thread waits whenever the file system commits, and all its connections with it.
    """
    return _MEMORY if os.access(_MEMORY, os.W_OK) else None


def latencies_of(log: str) -> list[float]:
    """Return the latencies in seconds of what h2load sent after the lead.

    Raises:
        RuntimeError: Some request was not answered with 200.
    """
    # Time of sending (microseconds since 1970), status, microseconds to the answer.
    rows = [tuple(map(int, line.split("\t"))) for line in log.splitlines()]
    if failed := sum(status != 200 for _, status, _ in rows):  # noqa: PLR2004 - HTTP
        raise RuntimeError(f"{failed} of {len(rows)} requests failed")
    counts_from = min(sent for sent, _, _ in rows) + _LEAD_S * 1e6
    return [took / 1e6 for sent, _, took in rows if sent >= counts_from]


def with_waits(latencies: Iterable[float], interval: float) -> Iterator[float]:
    """Yield each latency, and the waits of those that were due every `interval` meanwhile."""
    for latency in latencies:
        left = latency
        while left > 0:
            yield left
            left -= interval
