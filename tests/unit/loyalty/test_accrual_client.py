"""The accrual system over HTTP, when it answers slowly, at length, from elsewhere, or nonsense."""

import contextlib
import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from order_service.contexts.loyalty.accrual_client import MAX_BODY, HttpAccrualSystem
from order_service.contexts.loyalty.addresses import base_of
from order_service.contexts.loyalty.model import Status
from order_service.contexts.loyalty.ports import Failed, Throttled, Unknown, Verdict
from tests.backends import free_port

NUMBER = "12345678903"
SAID = b'{"order": "12345678903", "status": "PROCESSED", "accrual": 5}'
WORTH = Verdict(Status.PROCESSED, 500)
TIMEOUT = 0.5
DRIP = 0.05
"""Seconds between two bytes: far below the timeout, which they must not renew."""
ENOUGH = 5.0
"""Seconds within which a worker is free again even on a machine that is busy."""

Send = Callable[[bytes], None]


class Server:
    """Answers each request with what `answer` sends; `requests` are the first lines it read."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.connections = 0
        self.answer: Callable[[Send], None] = lambda send: send(whole(SAID))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._sockets.append(connection)
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            read = connection.makefile("rb")
            while line := read.readline():
                self.requests.append(line.decode().strip())
                while read.readline().strip():
                    pass
                self.answer(connection.sendall)

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(ENOUGH)
            assert not thread.is_alive()


def whole(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def system(server: Server) -> Iterator[HttpAccrualSystem]:
    system = HttpAccrualSystem(
        f"127.0.0.1:{server.port}",
        2,
        answer_timeout=TIMEOUT,
        now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
    )
    yield system
    system.close()


def dripping(head: bytes, rest: bytes) -> Callable[[Send], None]:
    """Send `head` at once, and `rest` for as long as anybody listens, byte by byte."""

    def answer(send: Send) -> None:
        send(head)
        while True:
            for byte in rest:
                time.sleep(DRIP)  # the server is what is slow
                send(bytes([byte]))

    return answer


EMPTY_BLOCKS = gzip.compress(b"")[:10] + b"\x00\x00\x00\xff\xff" * 20_000
"""Deflate's stored blocks of no bytes: they go on, and nothing comes out."""


@pytest.mark.parametrize(
    ("head", "rest"),
    [
        (b"", b"HTTP/1.1 200 OK\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", EMPTY_BLOCKS),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["status", "header", "body", "no-length", "chunk-size", "chunks", "gzip", "continue"],
)
def test_an_answer_that_comes_byte_by_byte_holds_a_worker_no_longer_than_any(
    server: Server, system: HttpAccrualSystem, head: bytes, rest: bytes
) -> None:
    server.answer = dripping(head, rest)
    began = time.monotonic()
    answer = system.ask(NUMBER)
    took = time.monotonic() - began
    assert isinstance(answer, Failed)
    assert "ReadTimeoutError" in answer.reason
    assert not answer.away
    assert TIMEOUT * 0.9 <= took < ENOUGH


def test_who_was_slow_once_is_asked_again_over_a_new_connection(
    server: Server, system: HttpAccrualSystem
) -> None:
    server.answer = dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n", b" ")
    assert isinstance(system.ask(NUMBER), Failed)
    server.answer = lambda send: send(whole(SAID))
    assert system.ask(NUMBER) == WORTH
    assert system.ask(NUMBER) == WORTH
    assert server.connections == 2
    assert set(server.requests) == {f"GET /api/orders/{NUMBER} HTTP/1.1"}


def test_a_connection_has_the_whole_time_for_each_question(
    server: Server, system: HttpAccrualSystem
) -> None:
    def slowly(send: Send) -> None:
        time.sleep(TIMEOUT * 0.4)  # the server is what is slow
        send(whole(SAID))

    server.answer = slowly
    assert [system.ask(NUMBER) for _ in range(4)] == [WORTH] * 4
    assert server.connections == 1


def test_a_number_whose_points_are_too_fine_is_named_once(
    server: Server, system: HttpAccrualSystem
) -> None:
    fine = SAID.replace(b": 5}", b": 729.9799999999999}")
    server.answer = lambda send: send(whole(fine))
    with capture_logs() as logs:
        assert all(isinstance(system.ask(NUMBER), Failed) for _ in range(3))
    assert [(line["log_level"], line["number"]) for line in logs] == [("warning", NUMBER)]


@pytest.mark.parametrize(
    ("address", "base"),
    [
        (":8082", "http://127.0.0.1:8082"),
        ("http://:8082", "http://127.0.0.1:8082"),
        ("https://:8082/", "https://127.0.0.1:8082"),
        ("host:1", "http://host:1"),
        ("[::1]:1", "http://[::1]:1"),
        ("http://host/base/", "http://host/base"),
    ],
)
def test_an_address_may_leave_out_what_goes_without_saying(address: str, base: str) -> None:
    assert base_of(address) == base


@pytest.mark.parametrize(("path", "asked"), [("", ""), ("/", ""), ("/base/", "/base")])
def test_an_accrual_system_may_be_below_a_path(server: Server, path: str, asked: str) -> None:
    system = HttpAccrualSystem(f":{server.port}{path}", 1)
    assert system.ask(NUMBER) == WORTH
    assert server.requests == [f"GET {asked}/api/orders/{NUMBER} HTTP/1.1"]
    system.close()


def test_what_a_server_calls_text_is_read(server: Server, system: HttpAccrualSystem) -> None:
    text = "Content-Type: text/plain; charset=utf-8\r\n"
    server.answer = lambda send: send(whole(SAID, headers=text))
    assert system.ask(NUMBER) == WORTH


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(
    server: Server, system: HttpAccrualSystem, status: int
) -> None:
    elsewhere = Server()
    try:
        for host in (f"127.0.0.1:{elsewhere.port}", f"127.0.0.1:{server.port}"):
            location = f"Location: http://{host}/api/orders/{NUMBER}/\r\n"
            server.answer = lambda send, at=location: send(whole(b"", f"{status} Moved", at))  # type: ignore[misc]
            assert system.ask(NUMBER) == Failed(f"status {status}")
        assert not elsewhere.requests
        assert len(server.requests) == 2
    finally:
        elsewhere.stop()


@pytest.mark.parametrize("said_length", [True, False])
def test_a_body_without_end_is_not_read_to_its_end(
    server: Server, system: HttpAccrualSystem, *, said_length: bool
) -> None:
    sent = 0

    def answer(send: Send) -> None:
        nonlocal sent
        length = f"Content-Length: {1 << 40}\r\n" if said_length else ""
        send(f"HTTP/1.1 200 OK\r\n{length}\r\n".encode())
        while sent < 1 << 30:
            send(b" " * MAX_BODY)
            sent += MAX_BODY

    server.answer = answer
    assert system.ask(NUMBER) == Failed(f"more than {MAX_BODY} bytes")
    # What the sockets had room for is sent, too.
    assert sent < 1 << 27


def test_a_body_that_is_large_only_when_it_is_unpacked_is_refused(
    server: Server, system: HttpAccrualSystem
) -> None:
    packed = gzip.compress(b" " * (64 << 20))
    assert len(packed) < MAX_BODY * 2
    server.answer = lambda send: send(whole(packed, headers="Content-Encoding: gzip\r\n"))
    assert system.ask(NUMBER) == Failed(f"more than {MAX_BODY} bytes")


def test_the_largest_body_is_read(server: Server, system: HttpAccrualSystem) -> None:
    padded = SAID.ljust(MAX_BODY)
    server.answer = lambda send: send(whole(padded))
    assert system.ask(NUMBER) == WORTH
    server.answer = lambda send: send(
        whole(gzip.compress(SAID), headers="Content-Encoding: gzip\r\n")
    )
    assert system.ask(NUMBER) == WORTH


@pytest.mark.parametrize(
    "kind",
    ["text/html", "text/html; charset=utf-8", "application/xml", "application/jsonp", "json"],
)
def test_what_says_that_it_is_no_json_is_not_believed(
    server: Server, system: HttpAccrualSystem, kind: str
) -> None:
    server.answer = lambda send: send(whole(SAID, headers=f"Content-Type: {kind}\r\n"))
    assert system.ask(NUMBER) == Failed("no JSON")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Content-Type: application/json\r\n",
        "Content-Type: Application/JSON ; charset=utf-8\r\n",
    ],
)
def test_what_says_that_it_is_json_or_nothing_is_read(
    server: Server, system: HttpAccrualSystem, header: str
) -> None:
    server.answer = lambda send: send(whole(SAID, headers=header))
    assert system.ask(NUMBER) == WORTH


def test_other_answers_count_whatever_they_say_they_are(
    server: Server, system: HttpAccrualSystem
) -> None:
    kind = "Content-Type: text/plain\r\n"
    server.answer = lambda send: send(whole(b"", "204 No Content", kind))
    assert system.ask(NUMBER) == Unknown()
    text = b"No more than 10 requests per minute allowed"
    wait = f"{kind}Retry-After: 7\r\n"
    server.answer = lambda send: send(whole(text, "429 Too Many Requests", wait))
    assert system.ask(NUMBER) == Throttled(7.0)


@pytest.mark.parametrize(
    "raw",
    [
        b"no HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
    ],
    ids=["garbage", "many-headers", "long-header", "chunk", "gzip"],
)
def test_what_is_no_http_is_a_failure_and_the_next_question_is_asked_anew(
    server: Server, system: HttpAccrualSystem, raw: bytes
) -> None:
    server.answer = lambda send: send(raw)
    answer = system.ask(NUMBER)
    assert isinstance(answer, Failed)
    assert not answer.away
    server.answer = lambda send: send(whole(SAID))
    assert system.ask(NUMBER) == WORTH


def test_nobody_there_is_told_apart() -> None:
    system = HttpAccrualSystem(f"127.0.0.1:{free_port()}", 1)
    answer = system.ask(NUMBER)
    assert isinstance(answer, Failed)
    assert answer.away
    system.close()
