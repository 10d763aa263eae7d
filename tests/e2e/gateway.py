"""HAProxy with the configuration of deploy/, in front of real API processes."""

import contextlib
import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.backends import free_port
from tests.builders import ROOT
from tests.e2e.api_process import Api
from tests.programs import program
from tests.waiting import eventually

CONFIGURATION = ROOT / "deploy/haproxy/haproxy.cfg"
PARTS = ("ORDERS", "ACCOUNTS", "LOYALTY", "ACCRUAL", "PAYMENTS", "CHECKOUT")


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: Any


class Origin:
    """Something that people ask over HTTP: the gateway, or one process."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, method: str, path: str, body: object = None, token: str = "") -> Answer:
        """The answer, whatever its status; raises OSError if there is none."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        data = body if isinstance(body, bytes) else None if body is None else _json(body, headers)
        if isinstance(body, bytes):
            headers["Content-Type"] = "text/plain"
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return Answer(answer.status, dict(answer.headers), _read(answer))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), _read(error))

    def get(self, path: str, token: str = "") -> Answer:
        return self.ask("GET", path, token=token)

    def post(self, path: str, body: object = None, token: str = "") -> Answer:
        return self.ask("POST", path, {} if body is None else body, token)


def _json(body: object, headers: dict[str, str]) -> bytes:
    headers["Content-Type"] = "application/json"
    return json.dumps(body).encode()


def _read(answer: Any) -> Any:  # noqa: ANN401 - of two classes
    text = answer.read()
    kind = answer.headers.get("Content-Type", "")
    return json.loads(text) if text and "json" in kind else text


@contextlib.contextmanager
def gateway(folder: Path, servers: Mapping[str, Api]) -> Iterator[Origin]:
    """Run HAProxy before these servers, by the names that the configuration has for them."""
    haproxy, port = program("haproxy", "haproxy"), free_port()
    addresses = {name: api.url.removeprefix("http://") for name, api in servers.items()}
    places = {"BIND": f"127.0.0.1:{port}", "METRICS": f"127.0.0.1:{free_port()}"}
    log = folder / "haproxy.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [haproxy, "-db", "-f", str(CONFIGURATION)],
            env={**os.environ, **addresses, **places},
            stdout=out,
            stderr=out,
        )
    origin = Origin(f"http://127.0.0.1:{port}")

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError):
            return origin.get("/health/ready").status == 200
        return False

    try:
        eventually(answers, 20, f"the gateway answers; see {log}")
        yield origin
    finally:
        process.terminate()
        process.wait(timeout=10)
