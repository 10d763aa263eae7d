"""How the server answers: in order, framed, in time, to clients of any kind."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from wsgiref.types import WSGIEnvironment

import pytest

from order_service.http.server.settings import ServerSettings
from order_service.http.server.worker import new_event_loop
from tests.unit.http_server.running import GET, LAST, app_of, one_answer, path_of, rest_of, running
from tests.waiting import eventually

LOOPS = [new_event_loop, asyncio.new_event_loop]
"""The one of the server, and the one that it has where there is no uvloop."""


@pytest.mark.parametrize("make_loop", LOOPS)
@pytest.mark.parametrize("together", [True, False])
def test_answers_come_in_the_order_of_their_requests(
    make_loop: Callable[[], asyncio.AbstractEventLoop], *, together: bool
) -> None:
    later = threading.Event()

    def body(environ: WSGIEnvironment) -> list[bytes]:
        if environ["PATH_INFO"] == "/0":
            assert later.wait(20)
        return path_of(environ)

    requests = [GET % b"/%d" % number for number in range(9)] + [LAST % b"/9"]
    app = app_of(body, ("Content-Length", "2"))
    with running(app, make_loop=make_loop) as server, server.connected() as client:
        for data in [b"".join(requests)] if together else requests:
            client.sendall(data)
        later.set()
        answers = rest_of(client).split(b"HTTP/1.1 200 OK")[1:]
    assert [answer[-2:] for answer in answers] == [b"/%d" % number for number in range(10)]


def test_a_body_without_a_length_is_sent_in_chunks_each_as_soon_as_it_is_there() -> None:
    second = threading.Event()

    def body(_: WSGIEnvironment) -> Iterator[bytes]:
        yield b"first"
        assert second.wait(20)
        yield b""
        yield b"second"

    with running(app_of(body)) as server, server.connected() as client:
        client.sendall(GET % b"/")
        answer = client.recv(10_000)
        assert answer.endswith(b"\r\n\r\n5\r\nfirst\r\n")
        assert b"\r\nTransfer-Encoding: chunked\r\n" in answer
        second.set()
        answer = b""
        while not answer.endswith(b"0\r\n\r\n"):
            answer += client.recv(10_000)
        assert answer == b"6\r\nsecond\r\n0\r\n\r\n"
        client.sendall(LAST % b"/")  # the connection goes on
        assert rest_of(client).startswith(b"HTTP/1.1 200 OK")
        client.close()
        old = server.answer(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert old.endswith(b"\r\n\r\nfirstsecond")
        assert b"\r\nConnection: close\r\n" in old


@pytest.mark.parametrize("blocks", [1, 3, 1000])
def test_a_body_of_known_length_arrives_whole(blocks: int) -> None:
    block = bytes(range(256)) * 20
    whole = block * blocks
    app = app_of(lambda _: iter([block] * blocks), ("Content-Length", str(len(whole))))
    with running(app) as server, server.connected() as client:
        for _ in range(2):
            client.sendall(GET % b"/")
            assert one_answer(client)[1] == whole


@pytest.mark.parametrize(("method", "status"), [("HEAD", "200 OK"), ("GET", "304 NOT MODIFIED")])
def test_an_answer_that_has_no_body_is_sent_without(method: str, status: str) -> None:
    app = app_of(path_of, ("X-A", "1"), status=status)
    with running(app) as server:
        answer = server.answer(
            f"{method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
        )
    assert answer.startswith(f"HTTP/1.1 {status}\r\nX-A: 1\r\nDate: ".encode())
    assert answer.endswith(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in answer


class Ends:
    """A body without an end that says when it was closed."""

    def __init__(self) -> None:
        self.sent = 0
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.sent += 1
            yield b"x" * 100_000

    def close(self) -> None:
        self.closed.set()


def test_a_body_waits_for_a_client_that_is_slow_and_ends_with_one_that_has_gone() -> None:
    body = Ends()
    with running(app_of(lambda _: body)) as server:
        with server.connected() as client:
            client.sendall(GET % b"/")
            client.recv(1000)
            counts: list[int] = []

            def waits() -> bool:
                counts.append(body.sent)
                return len(counts) > 3 and len(set(counts[-4:])) == 1

            eventually(waits, 20, "the body waits")
            assert body.sent < 200  # buffers of both sides; the loop keeps next to nothing
            assert not body.closed.is_set()
        assert body.closed.wait(20)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([("Content-Length", "3")], [b"four"]),
        ([("Content-Length", "5")], [b"four"]),
        ([("X-A", "1\r\nX-B: 2")], [b""]),
        ([("X-A", "\N{SNOWMAN}")], [b""]),
    ],
)
def test_an_answer_that_cannot_be_framed_is_none(
    headers: list[tuple[str, str]], body: list[bytes]
) -> None:
    with running(app_of(lambda _: body, *headers)) as server:
        answer = server.answer(GET % b"/")
        if headers[0][0] != "Content-Length":
            without = server.answer(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert without.startswith(b"HTTP/1.1 500 ")
            assert without.endswith(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b"X-B" not in answer


def test_an_application_that_fails_costs_one_connection_and_no_thread() -> None:
    def body(environ: WSGIEnvironment) -> Iterator[bytes]:
        if environ["PATH_INFO"] == "/late":
            yield b"begun"
        raise RuntimeError("password=hunter2")

    with running(app_of(body)) as server:
        for _ in range(5):
            assert b"HTTP/1.1 500" in (answer := server.answer(GET % b"/"))
            assert b"hunter2" not in answer
            # A body that does not end with an empty chunk is known to be incomplete.
            assert server.answer(GET % b"/late").endswith(b"\r\n\r\n5\r\nbegun\r\n")


HASTY = ServerSettings("127.0.0.1", 0, threads=2, idle_timeout=0.4)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", b""),
        (b"GET / HTTP/1.1\r\nHo", b"HTTP/1.1 408"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na", b"HTTP/1.1 408"),
        (GET % b"/", b"HTTP/1.1 200"),
    ],
)
def test_who_takes_too_long_is_not_waited_for(data: bytes, status: bytes) -> None:
    app = app_of(path_of, ("Content-Length", "1"))
    with running(app, settings=HASTY) as server:
        answer = server.answer(data)
        assert answer[: len(status)] == status
        eventually(lambda: not server.site.connections, 20, "nothing is left of it")


def test_who_does_not_take_an_answer_is_not_waited_for() -> None:
    body = Ends()
    with running(app_of(lambda _: body), settings=HASTY) as server, server.connected() as client:
        client.sendall(GET % b"/")
        assert body.closed.wait(20)


def test_the_application_may_take_its_time() -> None:
    asked, answers = threading.Event(), threading.Event()

    def body(environ: WSGIEnvironment) -> list[bytes]:
        asked.set()
        assert answers.wait(20)
        return path_of(environ)

    app = app_of(body, ("Content-Length", "1"))
    with running(app, settings=HASTY) as server, server.connected() as client:
        client.sendall(GET % b"/")
        assert asked.wait(20)
        with server.connected() as other:
            assert rest_of(other) == b""  # it was idle for longer than may be
        answers.set()
        assert one_answer(client)[1] == b"/"


def test_one_connection_too_many_is_told_so() -> None:
    app = app_of(path_of, ("Content-Length", "1"))
    with running(app, most_connections=1) as server:
        with server.connected() as client:
            client.sendall(GET % b"/")
            one_answer(client)
            answer = server.answer(b"")
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"\r\nRetry-After: 1\r\n" in answer
        eventually(lambda: not server.site.connections, 20, "both are closed")
        assert server.answer(LAST % b"/").startswith(b"HTTP/1.1 200")
