"""`order-service api` as a child process."""

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from typing import NamedTuple

from tests.backends import Environ, free_port, process_environ
from tests.builders import ROOT
from tests.waiting import eventually


class Answer(NamedTuple):
    """What the API said."""

    status: int
    level: str | None
    body: bytes


class Api:
    """A running `order-service api`."""

    def __init__(self, environ: Environ) -> None:
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "order_service", "api"],
            cwd=ROOT,
            env=process_environ(environ | {"HTTP_PORT": str(self._port)}),
            stderr=subprocess.DEVNULL,
        )

    def get(self, path: str) -> Answer:
        """The answer; status 0 while nobody answers."""
        with contextlib.closing(HTTPConnection("127.0.0.1", self._port, timeout=5)) as connection:
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                return Answer(answer.status, answer.headers.get("X-Cache"), answer.read())
            except (OSError, HTTPException):
                return Answer(0, None, b"")

    def ready(self) -> bool:
        assert self.process.poll() is None
        return self.get("/health/ready").status == 200

    def sample(self, name: str) -> float:
        return sample(self.get("/metrics").body, name)


def sample(metrics: bytes, name: str) -> float:
    """The sum of a metric over its labels."""
    values = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", metrics.decode(), re.MULTILINE)
    return sum(map(float, values))


@contextlib.contextmanager
def serving(environ: Environ) -> Iterator[Api]:
    api = Api(environ)
    try:
        eventually(api.ready, 40, "the API is ready")
        yield api
    finally:
        api.process.terminate()
        api.process.wait(timeout=20)
