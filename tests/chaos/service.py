"""One process of the service: a consumer or an API, started as an operator would."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from order_service.embedded import die_with_parent
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"


class Answer(NamedTuple):
    """An HTTP answer; status 0 means that there was none."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - whatever the body says
        """Return the decoded body."""
        return json.loads(self.body)


class Service:
    """A command of the service with an HTTP port; it can be ended and begun again at will."""

    def __init__(self, command: str, port: int, environ: Mapping[str, str], log: Path) -> None:
        self.port = port
        self.environ = dict(environ)
        self.log = log
        # A test run that is killed leaves nothing behind.
        launcher = [sys.executable, "-I", "-S", die_with_parent.__file__]
        launcher += [str(os.getpid()), str(signal.SIGKILL.value)]
        self._command = [*launcher, sys.executable, "-m", "order_service", *command.split()]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process of the last start."""
        assert self._process is not None, "not started"
        return self._process

    @property
    def pid(self) -> int:
        """Its pid."""
        return self.process.pid

    def start(self) -> None:
        """Begin it; does not wait."""
        given = os.environ.get("PYTHONPATH", "")
        path = os.pathsep.join([str(ROOT / "src"), str(ROOT), given])
        environ = {**os.environ, **self.environ, "PYTHONPATH": path}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=environ, stdout=log, stderr=log, start_new_session=True
            )

    def get(self, path: str, method: str = "GET", timeout: float = 15.0) -> Answer:
        """Ask it over HTTP."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=timeout)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, http.client.HTTPMessage(), repr(error).encode())
        finally:
            connection.close()

    def await_status(self, status: int, seconds: float) -> float:
        """Wait until /health/ready answers `status`; return the seconds."""
        what = f"/health/ready is {status}; see {self.log}"
        return eventually(lambda: self.get("/health/ready").status == status, seconds, what)

    def part(self, name: str) -> Mapping[str, Any]:
        """Return the state of one part in /health/ready; empty if there is no answer."""
        answer = self.get("/health/ready")
        return dict(answer.json()["parts"].get(name, {})) if answer.status else {}

    def metric(self, name: str, label: str = "") -> float:
        """Return the sum of a metric over its labels, or over those that have this one."""
        lines = self.get("/metrics").body.decode().splitlines()
        of_metric = [line for line in lines if line.startswith((name + " ", name + "{"))]
        found = [line for line in of_metric if label in line]
        return sum(float(line.rpartition(" ")[2]) for line in found)

    def memory(self) -> int:
        """Return its resident memory in bytes."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def suspend(self) -> None:
        """Let it stand still (SIGSTOP)."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self, seconds: float = 20.0) -> int:
        """End it in good order and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """End it at once, alone: workers that it started are left to notice."""
        self.process.kill()
        self.process.wait()

    def clean_up(self) -> None:
        """End it and all that it started."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
