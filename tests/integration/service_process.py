"""The service's own commands as child processes."""

import contextlib
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from tests.backends import Environ, free_port, process_environ
from tests.builders import ROOT

STOP_S = 20.0


def command(
    environ: Environ, *arguments: str, stdin: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "order_service", *arguments],
        cwd=ROOT,
        env=process_environ(environ),
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )


class Consumer:
    """A running `order-service consume`."""

    def __init__(self, environ: Environ, port: str) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "order_service", "consume"],
            cwd=ROOT,
            env=process_environ(environ | {"METRICS_WORKER_PORT": port}),
            stderr=subprocess.PIPE,
        )
        assert self.process.stderr
        self._pipe = self.process.stderr

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body; status 0 while nobody answers."""
        try:
            with urllib.request.urlopen(self._url + path, timeout=5) as answer:  # noqa: S310 - http
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read()
        except OSError:
            return 0, b"{}"

    def part(self) -> Mapping[str, Any]:
        """State of the consumption, empty while nobody answers."""
        assert self.process.poll() is None
        state: Mapping[str, Any] = json.loads(self.get("/health/ready")[1])
        part: Mapping[str, Any] = state.get("parts", {}).get("consumer", {})
        return part

    def drained(self) -> bool:
        """Whether all messages are dealt with."""
        return self.part().get("lag") == 0

    def kill(self) -> None:
        """End it at once if it runs."""
        if self._pipe.closed:
            return
        self.process.kill()
        self.process.communicate(timeout=STOP_S)

    def stop(self) -> tuple[int, str]:
        """End it with SIGTERM; exit code and log."""
        self.process.terminate()
        _, log = self.process.communicate(timeout=STOP_S)
        return self.process.returncode, log.decode()


@contextlib.contextmanager
def consuming(environ: Environ, port: str = "") -> Iterator[Consumer]:
    """A consumer for the length of the block, its metrics on a free port unless one is given."""
    consumer = Consumer(environ, port or str(free_port()))
    try:
        yield consumer
    finally:
        consumer.kill()
