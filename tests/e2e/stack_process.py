"""`order-service run` as a child process, on a data directory and an HTTP port of its own."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
from dotenv import dotenv_values

from tests.builders import ROOT
from tests.waiting import eventually

START_S = 60.0
STOP_S = 15.0
PID_FILES = {
    "consumer": "services/orders-consumer.pid",
    "api": "services/api.pid",
    "postgres": "postgres/postgres.pid",
    "valkey": "valkey/valkey.pid",
    "broker": "kafka/mock-kafka.pid",
}


class Stack:
    """One `order-service run` on a data directory and an HTTP port of its own."""

    def __init__(self, data_dir: Path, port: int, *arguments: str) -> None:
        self.data_dir = data_dir
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.log = data_dir.parent / f"{port}.log"
        self.environ = {
            **os.environ,
            "ORDER_SERVICE_DATA_DIR": str(data_dir),
            "HTTP_PORT": str(port),
            "PYTHONPATH": os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), "src"])),
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "order_service", "run", *arguments],
                cwd=ROOT,
                env=self.environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def get(self, path: str) -> int:
        """Status of the answer; 0 if there is none."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as response:  # noqa: S310  http
                return int(response.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except OSError:
            return 0

    def await_ready(self) -> None:
        eventually(self._is_ready, START_S, f"ready; see {self.log}")

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return self.get("/health/ready") == 200 and "is ready (" in self.log.read_text()

    def addresses(self) -> dict[str, str | None]:
        return dotenv_values(self.data_dir / "stack.env", interpolate=False)

    def pid_of(self, part: str) -> int:
        with contextlib.suppress(FileNotFoundError, ValueError):
            return int(json.loads((self.data_dir / PID_FILES[part]).read_text())["pid"])
        return 0

    def produce(self, *arguments: str) -> None:
        environ = {**self.environ, **{k: v for k, v in self.addresses().items() if v is not None}}
        command = [sys.executable, "-m", "producer", *arguments]
        subprocess.run(command, cwd=ROOT, env=environ, check=True, timeout=30, capture_output=True)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Exit code, and how many seconds the stop took."""
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(timeout=STOP_S + 10)
        return code, time.monotonic() - began

    def left_behind(self) -> list[str]:
        """Command lines of all processes of this stack that live."""
        return [_described(each) for each in psutil.process_iter() if self._owns(each)]

    def _owns(self, process: psutil.Process) -> bool:
        # Postgres overwrites its environment with its title, but works in its data directory.
        with contextlib.suppress(psutil.Error):
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                return False
            own = str(self.data_dir)
            traces = [process.environ().get("ORDER_SERVICE_DATA_DIR", ""), process.cwd()]
            return any(trace.startswith(own) for trace in [*traces, *process.cmdline()])
        return False

    def clean_up(self) -> None:
        """End what a failed test left."""
        for process in filter(self._owns, psutil.process_iter()):
            with contextlib.suppress(psutil.Error):
                process.kill()
        self.process.wait(timeout=10)


def _described(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return f"{process.pid}: {' '.join(process.cmdline())}"
    return str(process.pid)


def free_port() -> int:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


@contextlib.contextmanager
def running(data_dir: Path, *arguments: str) -> Iterator[Stack]:
    stack = Stack(data_dir, free_port(), *arguments)
    try:
        yield stack
    finally:
        stack.clean_up()
