"""A small application on the production server, for the tests of the server itself.

Started as ``python -m tests.unit.http_server_app PORT FIFO WORKERS``.
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


if __name__ == "__main__":
    from tests.unit import http_server_app

    os.environ[FIFO] = sys.argv[2]
    port, workers = int(sys.argv[1]), int(sys.argv[3])
    serve(http_server_app.create, ServerSettings("127.0.0.1", port, workers, drain=0.2))
