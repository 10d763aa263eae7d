"""The whole program for tests in a browser: every context and worker, real backends."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.backends import free_port, process_environ
from tests.builders import ROOT
from tests.waiting import eventually

START_S = 150.0
PASSWORD = "correct horse battery"
_SETTINGS = {
    # All come from one address, and some of them mistype their passwords on purpose.
    "ACCOUNTS_THROTTLE_FREE_FAILURES": "100",
    "ACCOUNTS_THROTTLE_REGISTRATIONS_PER_MINUTE": "0",
    "METRICS_WORKER_PORT": "0",
}


@dataclass
class Person:
    """Somebody who has an account, and a session of their own beside the browser's."""

    whole: "Whole"
    login: str
    token: str
    id: str
    password: str = PASSWORD

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Any:  # noqa: ANN401
        return self.whole.ask(method, path, body, Authorization=f"Bearer {self.token}", **headers)

    def deposit(self, minor: int) -> None:
        """Put money into the wallet, which is opened if need be."""
        self.ask("POST", "/wallet")
        self.ask("POST", "/wallet/deposits", {"amount": minor})


@dataclass
class Whole:
    """A running `order-service run`."""

    url: str
    log: Path
    process: "subprocess.Popen[bytes]"
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 10**6)))

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Any:  # noqa: ANN401
        """The JSON of the answer, None if it has none; headers are written with underscores."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - our own http
            self.url + path, data, {"Content-Type": "application/json"} | fields, method=method
        )
        with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310
            text = response.read()
        return json.loads(text) if text else None

    def person(self, **more: str) -> Person:
        """A new person."""
        login = f"person-{uuid.uuid4().hex[:12]}@example.com"
        given = {"login": login, "password": PASSWORD, **more}
        told = self.ask("POST", "/auth/registration", given)
        return Person(self, login, told["access_token"], told["user_id"])

    def number(self) -> str:
        """The number of an order that nobody has used yet, with its check digit."""
        first = 10**7 + uuid.uuid4().int % (9 * 10**7)  # as a number, it keeps all its digits
        digits = f"{first}{next(self._numbers):04}"
        return digits + check_digit(digits)

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            self.ask("GET", "/health/ready")
        except (OSError, ValueError):
            return False
        return "Service is ready" in self.log.read_text()


def check_digit(digits: str) -> str:
    """The digit that makes a number one of Luhn's."""
    doubled = (2 * int(digit) // 10 + 2 * int(digit) % 10 for digit in digits[::-2])
    total = sum(doubled) + sum(int(digit) for digit in digits[-2::-2])
    return str(-total % 10)


@contextmanager
def running(data_dir: Path) -> Iterator[Whole]:
    """Run the program while the block runs."""
    port, log = free_port(), data_dir.parent / "run.log"
    ports = {"HTTP_PORT": str(port), "ACCOUNTS_GRPC_PORT": str(free_port())}
    environ = {"ORDER_SERVICE_DATA_DIR": str(data_dir), **ports, **_SETTINGS}
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "order_service", "run"],
            cwd=ROOT,
            env=process_environ(environ),
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    whole = Whole(f"http://127.0.0.1:{port}", log, process)
    try:
        eventually(whole.is_ready, START_S, "the program is ready")
        yield whole
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.wait(timeout=60)
