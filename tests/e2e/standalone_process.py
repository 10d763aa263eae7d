"""`order-service gophermart` and `accrual` as black boxes: three variables and a port."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import urllib3
from psycopg import sql

from order_service.embedded.postgres import PostgresServer
from tests.backends import free_port
from tests.builders import ROOT

STARTS_WITHIN = 20.0
"""Seconds; a machine that does nothing else takes three or four."""


class Program:
    """A running program."""

    def __init__(self, name: str, folder: Path, environ: Mapping[str, str], *flags: str) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.name = name
        self._environ = {
            **{key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ},
            "PYTHONPATH": str(ROOT / "src"),
            "RUN_ADDRESS": self.address,
            **environ,
        }
        self._flags = flags
        self._folder = folder
        self._http = urllib3.PoolManager(retries=False, timeout=30.0)
        self.start()

    def start(self) -> None:
        """Start it and wait for its port."""
        with (self._folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "order_service", self.name, *self._flags],
                cwd=self._folder, env=self._environ, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + STARTS_WITHIN * 3
        while time.monotonic() < deadline and self.process.poll() is None:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port), 0.2),
            ):
                return
            time.sleep(0.05)  # another process gives no event to wait for
        raise AssertionError((self._folder / f"{self.name}.log").read_text())

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> urllib3.BaseHTTPResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"http://{self.address}{path}"
        return self._http.request(method, url, body=body, headers=named, redirect=False)

    def json(self, path: str, body: str, **headers: str) -> urllib3.BaseHTTPResponse:
        """POST JSON."""
        return self.ask("POST", path, body.encode(), Content_Type="application/json", **headers)

    def kill(self) -> None:
        """End it and all that it started, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def interrupt(self) -> int:
        """End it as Ctrl-C would, and return its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)


@contextlib.contextmanager
def running(program: Program) -> Iterator[Program]:
    """A program for the length of the block."""
    try:
        yield program
    finally:
        program.kill()


@contextlib.contextmanager
def own_database(server: PostgresServer, name: str) -> Iterator[str]:
    """The URI of a new, empty database."""
    identifier = sql.Identifier(name)
    with psycopg.connect(server.admin_dsn("postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(identifier))
        environ = server.environment()
        password = environ["POSTGRES_ADMIN_PASSWORD"]
        yield f"postgresql://postgres:{password}@127.0.0.1:{server.port}/{name}?sslmode=disable"
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))
