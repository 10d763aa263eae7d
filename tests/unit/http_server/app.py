"""A small application on the production server, for the tests of the server itself.

Started as ``python -m tests.unit.http_server.app PORT FIFO WORKERS``; with -1 worker
there is no application.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIEnvironment

from order_service.http.server import ServerSettings, serve

FIFO = "TEST_SERVER_FIFO"


class App:
    """Answers with its process id; `/wait` waits for what the test writes into the FIFO."""

    def __call__(self, environ: WSGIEnvironment, start_response: Any) -> Iterable[bytes]:  # noqa: ANN401
        body = str(os.getpid()).encode()
        if environ["PATH_INFO"] == "/wait":
            body = Path(os.environ[FIFO]).read_bytes()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    def close(self) -> None:
        sys.stdout.write("closed\n")
        sys.stdout.flush()


def create() -> App:
    return App()


def fail() -> App:
    raise RuntimeError("no application")


if __name__ == "__main__":
    from tests.unit.http_server import app

    os.environ[FIFO] = sys.argv[2]
    port, workers = int(sys.argv[1]), int(sys.argv[3])
    factory = app.create if workers > 0 else app.fail
    serve(factory, ServerSettings("127.0.0.1", port, abs(workers), drain=0.2))
