"""Hostile and unlucky HTTP clients against the real server: right answers, no 500, no leak."""

import contextlib
import http.client
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from tests.builders import ROOT
from tests.chaos.feed import orders
from tests.chaos.service import HOST, Service
from tests.chaos.stack import Stack
from tests.waiting import eventually

UIDS = (
    "%00",
    "a%00b",
    "..%2f..%2fetc%2fpasswd",
    "%ff%fe",
    "%ed%a0%80",
    "%F0%9F%92%A9",
    "a" * 65,
    "a" * 4000,
    "%27%20OR%201=1--",
    "%0d%0aX-Injected:%20yes",
    "a%2Fb",
    "*",
    "%25",
    "a b".replace(" ", "%20"),
    "{{7*7}}",
    "order:v1:x",
)
PATHS = ("/order/", "/orders/", "/order", "//order/x", "/order/x/", "/%2e%2e/", "/nothing")


@pytest.fixture(scope="module")
def api(stack: Stack) -> Iterator[Service]:
    api = stack.api()
    api.await_status(200, 30)
    consumer = stack.consumer()
    consumer.await_status(200, 30)
    with stack.feed() as feed:
        feed.send(orders(61, 30))
        stack.await_drained()
    consumer.stop()
    yield api
    assert "Traceback" not in api.log.read_text()
    assert api.stop() == 0


def raw(api: Service, data: bytes, *, half_close: bool = False) -> bytes:
    """Send bytes and return all that comes back until the server closes the connection.

    To one that is closed halfway it may close without an answer.
    """
    answer = b""
    with (
        socket.create_connection((HOST, api.port), 5) as connection,
        contextlib.suppress(ConnectionError),
    ):
        connection.sendall(data)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        while more := connection.recv(65536):
            answer += more
    return answer


def test_schemathesis_finds_nothing(api: Service, tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        f"--config-file={ROOT / 'tests/data/schemathesis.toml'}",
        "run",
        f"http://{HOST}:{api.port}/openapi.json",
        "--checks=all",
        "--seed=1",
        "--max-examples=10",
        "--phases=examples,coverage,fuzzing",
        "--generation-database=none",
        "--no-color",
    ]
    found = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert found.returncode == 0, found.stdout[-20000:] + found.stderr[-2000:]


@pytest.mark.parametrize("uid", UIDS)
def test_a_hostile_uid_is_refused_or_unknown(api: Service, uid: str) -> None:
    answer = api.get(f"/order/{uid}")
    assert answer.status in (400, 404, 414), answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "X-Injected" not in answer.headers


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_path_is_404_or_a_redirect(api: Service, path: str) -> None:
    assert api.get(path).status in (301, 308, 400, 404)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/order/x", "/orders", "/health/live", "/metrics"])
def test_a_method_that_is_not_allowed_says_which_are(api: Service, path: str, method: str) -> None:
    answer = api.get(path, method)
    assert answer.status == 405
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/order/x", "/orders", "/health/live"])
def test_options_names_the_methods_and_head_has_no_body(api: Service, path: str) -> None:
    options = api.get(path, "OPTIONS")
    assert options.status in (200, 204)
    assert {"GET", "HEAD", "OPTIONS"} <= set(options.headers["Allow"].replace(" ", "").split(","))
    assert api.get(path, "HEAD").body == b""


@pytest.mark.parametrize(
    ("head", "statuses"),
    [
        ("GET /order/{long} HTTP/1.1\r\nHost: x\r\n\r\n", (400, 414, 431)),
        ("GET /order/x HTTP/1.1\r\nHost: x\r\nX-Big: {long}\r\n\r\n", (400, 431)),
        ("GET /order/x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", (400,)),
        ("GET /order/x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", (400, 413)),
        (
            "GET /order/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: nonsense\r\n\r\n",
            (400, 501),
        ),
        ("GET /order/x HTTP/9.9\r\nHost: x\r\n\r\n", (400, 505)),
        ("NONSENSE\r\n\r\n", (400,)),
        ("BREW /order/x HTTP/1.1\r\nHost: x\r\n\r\n", (400, 405, 501)),
        ("GET /order/x HTTP/1.1\r\nHost : x\r\n\r\n", (400,)),
        ("GET /order/\x01 HTTP/1.1\r\nHost: x\r\n\r\n", (400,)),
        ("GET /orders?limit=1&limit=%ff HTTP/1.1\r\nHost: x\r\n\r\n", (200, 400)),
        ("GET /orders?cursor=%00%ff HTTP/1.1\r\nHost: x\r\n\r\n", (400,)),
    ],
)
def test_a_malformed_or_oversized_request_is_refused(
    api: Service, head: str, statuses: tuple[int, ...]
) -> None:
    head = head.replace("{long}", "a" * 100_000).replace("Host", "Connection: close\r\nHost", 1)
    answer = raw(api, head.encode("latin-1"))
    assert int(answer.split()[1]) in statuses, answer[:300]
    assert api.get("/health/live").status == 200


def test_a_request_with_two_lengths_is_the_last_on_its_connection(api: Service) -> None:
    lengths = "Content-Length: 5\r\nTransfer-Encoding: chunked"
    smuggled = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    head = f"GET /order/x HTTP/1.1\r\nHost: x\r\n{lengths}\r\n\r\n0\r\n\r\n{smuggled}"
    answer = raw(api, head.encode())
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 404"))
    assert answer.count(b"HTTP/1.1 ") == 1


def test_random_bytes_never_break_the_server(api: Service) -> None:
    dice = random.Random(7)  # noqa: S311 - repeatable on purpose
    for _ in range(100):
        answer = raw(api, dice.randbytes(dice.randrange(1, 400)) + b"\r\n\r\n", half_close=True)
        assert not answer.startswith(b"HTTP/1.1 5"), answer[:200]
    assert api.get("/health/live").status == 200


def test_hundreds_of_idle_connections_and_slow_clients_hold_nobody_up(api: Service) -> None:
    before = _descriptors(api)
    with contextlib.ExitStack() as exits:
        crowd = [
            exits.enter_context(socket.create_connection((HOST, api.port), 5)) for _ in range(300)
        ]
        for slow in crowd[:100]:
            slow.sendall(b"GET /order/x HTTP/1.1\r\nHo")
        for _ in range(20):
            assert api.get("/health/live", timeout=2).status == 200
    eventually(lambda: _descriptors(api) <= before + 5, 20, "all connections are closed")


def test_clients_that_leave_before_their_answer_leak_nothing(api: Service) -> None:
    before = _descriptors(api)
    for _ in range(200):
        with socket.create_connection((HOST, api.port), 5) as connection:
            connection.sendall(b"GET /orders?limit=50 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert api.get("/orders").status == 200
    eventually(lambda: _descriptors(api) <= before + 5, 20, "all connections are closed")


def _descriptors(api: Service) -> int:
    processes = [psutil.Process(api.pid), *psutil.Process(api.pid).children(recursive=True)]
    return sum(process.num_fds() for process in processes)


def test_query_strings_of_any_kind_are_answered(api: Service) -> None:
    for text in ("\x00", "ж", "'", '"', "%", "&&&", "=", "[]", "limit=1e9", "limit=-1", "a" * 3000):
        for name in ("customer_id", "track_number", "cursor", "limit", "created_from"):
            answer = api.get(f"/orders?{name}={quote(text)}")
            assert answer.status in (200, 400, 414), (name, text, answer.body)


def test_a_pipelined_connection_gets_every_answer(api: Service) -> None:
    connection = http.client.HTTPConnection(HOST, api.port, timeout=5)
    for _ in range(50):
        connection.request("GET", "/order/unknown")
        assert connection.getresponse().read()
    connection.close()
    with socket.create_connection((HOST, api.port), 5) as pipeline:
        pipeline.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
        answers = b""
        while answers.count(b"HTTP/1.1 200") < 20:
            answers += pipeline.recv(65536)
