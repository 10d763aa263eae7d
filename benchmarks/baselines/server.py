"""Serves a baseline: granian with the service's defaults for workers, threads and backlog.

Usage: python -m benchmarks.baselines.server module:app; the port comes from HTTP_PORT.
"""

import os
import sys

from granian.constants import HTTPModes, Interfaces
from granian.server import Server


def main(target: str) -> None:
    """Serve until SIGTERM."""
    Server(
        target,
        address="127.0.0.1",
        port=int(os.environ["HTTP_PORT"]),
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=12,
        backlog=1024,
        http=HTTPModes.http1,
        websockets=False,
        log_enabled=False,
    ).serve()


if __name__ == "__main__":
    main(sys.argv[1])
