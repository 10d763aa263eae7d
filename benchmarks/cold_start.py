"""From `order-service run` on an empty data directory to the first answer."""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import command
from benchmarks.harness import Row, Scale, at_most, say
from benchmarks.stack import ROOT, Process, await_that
from order_service.embedded.ports import free_port
from order_service.embedded.processes import ChildProcess

_OWN = ("POSTGRES_", "REDIS_", "KAFKA_", "HTTP_", "METRICS_", "ORDER_SERVICE_")


def start(folder: Path) -> float:
    """Return the seconds until the API is ready; the stack is stopped again."""
    port = free_port()
    # Whatever the caller's environment names would not be started.
    for name in [name for name in os.environ if name.startswith(_OWN)]:
        del os.environ[name]
    environment = {
        "HTTP_PORT": str(port),
        "METRICS_WORKER_PORT": str(free_port()),
        "ORDER_SERVICE_DATA_DIR": str(folder / "data"),
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
    }
    began = time.perf_counter()
    command_line = [sys.executable, "-m", "order_service", "run"]
    child = ChildProcess(
        "run", folder, command_line, environment=environment, orphan_signal=signal.SIGTERM
    )
    stack = Process(child, port)
    try:
        await_that(lambda: stack.answers("/health/ready"), "a first answer")
        return time.perf_counter() - began
    finally:
        child.stop(signal.SIGTERM, 20.0)


def _seconds() -> float:
    with tempfile.TemporaryDirectory(prefix="order-service-bench-") as folder:
        return start(Path(folder))


def run(scale: Scale) -> Sequence[Row]:
    """Measure."""
    if scale.pairs > 1:
        _seconds()
    return [
        Row(
            "Cold start: `order-service run` to the first answer, packages installed",
            "",
            at_most(3, "s"),
            [say("A", _seconds()) for _ in range(scale.pairs)],
            (),
            "s",
            "Each start on an empty data directory with the default (embedded) servers: it makes "
            "the database cluster, migrates, starts broker, cache, consumer and API; until "
            "/health/ready of the API answers 200, asked every 10 ms.",
        )
    ]


if __name__ == "__main__":
    command.main(run, __doc__)
