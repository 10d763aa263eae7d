"""The server's event loop in a thread, for tests that speak to it over real sockets."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from wsgiref.types import WSGIApplication, WSGIEnvironment

from order_service.http.server.connection import Connection
from order_service.http.server.settings import ServerSettings
from order_service.http.server.site import Quick, Site
from order_service.http.server.worker import new_event_loop, pass_time

GET = b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET %b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

_SETTINGS = ServerSettings("127.0.0.1", 0, threads=2)


class Running:
    """A server that runs.

    Attributes:
        site: What its connections share.
        port: Where it listens.
    """

    def __init__(self, site: Site, port: int) -> None:
        self.site = site
        self.port = port

    @contextlib.contextmanager
    def connected(self) -> Iterator[socket.socket]:
        """A connection to it."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            yield connection

    def answer(self, data: bytes) -> bytes:
        """Send bytes; return all that comes back until the server closes."""
        with self.connected() as connection:
            connection.sendall(data)
            return rest_of(connection)


def rest_of(connection: socket.socket) -> bytes:
    """Return all that comes until the server closes."""
    answer = b""
    while more := connection.recv(65536):
        answer += more
    return answer


def one_answer(connection: socket.socket) -> tuple[bytes, bytes]:
    """Return head and body of an answer whose length is told."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(
        next(line for line in head.split(b"\r\n") if b"content-length" in line.lower())[16:]
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head, body


@contextlib.contextmanager
def running(
    app: WSGIApplication,
    quick: Quick | None = None,
    settings: ServerSettings | None = None,
    most_connections: int = 100,
    make_loop: Callable[[], asyncio.AbstractEventLoop] = new_event_loop,
) -> Iterator[Running]:
    """Serve `app` in a thread."""
    loop = make_loop()
    started: Future[Running] = Future()
    stopped = asyncio.Event()

    async def serve() -> None:
        site = Site(app, quick, loop, settings or _SETTINGS, most_connections)
        server = await loop.create_server(lambda: Connection(site), "127.0.0.1", 0)
        watching = loop.create_task(pass_time(site))
        started.set_result(Running(site, server.sockets[0].getsockname()[1]))
        await stopped.wait()
        watching.cancel()
        server.close()
        for connection in list(site.connections):
            connection.let_go(patient=False)
        await asyncio.sleep(0.01)

    with ThreadPoolExecutor(1) as thread:
        serving = thread.submit(loop.run_until_complete, serve())
        try:
            yield started.result(20)
        finally:
            loop.call_soon_threadsafe(stopped.set)
            serving.result(20)
            loop.close()


def app_of(
    body: Callable[[WSGIEnvironment], Iterable[bytes]],
    *headers: tuple[str, str],
    status: str = "200 OK",
) -> WSGIApplication:
    """An application whose every answer is alike."""

    def app(environ: WSGIEnvironment, start_response: Any) -> Iterable[bytes]:  # noqa: ANN401
        start_response(status, [*headers])
        return body(environ)

    return app


def path_of(environ: WSGIEnvironment) -> list[bytes]:
    return [environ["PATH_INFO"].encode()]
