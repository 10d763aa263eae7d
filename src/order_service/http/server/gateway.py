"""The application's side of a request: WSGI (PEP 3333), in threads of its own."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any, Protocol
from wsgiref.types import WSGIApplication

import structlog

from .answering import LAST_CHUNK, InvalidHeaderError, chunk, head_of, refusal
from .request import InvalidTargetError, Request, environ_of

_log = structlog.get_logger(__name__)

_GATHERED = 262_144
"""Bytes of a body of known length that go out at once."""

_BODILESS = ("1", "204", "304")


class GoneError(Exception):
    """The client has gone, or takes nothing any more."""


class Outlet(Protocol):
    """Where an answer goes; called in one of the gateway's threads.

    An answer is begun, goes on and is finished, or is finished at once, or is broken off.
    """

    def begin(self, head: bytes, data: bytes, *, keeps: bool) -> None:
        """Send the head of an answer whose body follows, and what there is of it already."""

    def more(self, data: bytes) -> None:
        """Send more of the body; blocks while the client is slow.

        Raises:
            GoneError: There is nobody to send it to.
        """

    def finish(self, head: bytes, data: bytes, *, keeps: bool) -> None:
        """Send a whole answer, or the end of one that was begun (the head is empty then)."""

    def break_off(self) -> None:
        """End the connection, as the answer cannot be finished."""


class Gateway:
    """Calls the application, so many times at once.

    Args:
        app: The application.
        threads: How many.
    """

    def __init__(self, app: WSGIApplication, threads: int) -> None:
        self._app = app
        self._waiting: queue.SimpleQueue[tuple[Request, dict[str, Any], Outlet]] = (
            queue.SimpleQueue()
        )
        for number in range(threads):
            threading.Thread(target=self._work, name=f"http-{number}", daemon=True).start()

    def submit(self, request: Request, common: dict[str, Any], outlet: Outlet) -> None:
        """Have a request answered; returns at once."""
        self._waiting.put((request, common, outlet))

    def _work(self) -> None:
        while True:
            request, common, outlet = self._waiting.get()
            call = _Call(self._app, request, outlet)
            try:
                call.run(common)
            except GoneError:
                pass
            except InvalidTargetError:
                call.refuse(HTTPStatus.BAD_REQUEST, "The request target is malformed.")
            except Exception:  # noqa: BLE001 - the thread lives on for other requests
                _log.exception("a request failed outside of the application's own handling")
                call.fail()
            del call
            del request, common, outlet  # until the next one comes, nobody else needs them


class _Call:
    """One call of the application."""

    def __init__(self, app: WSGIApplication, request: Request, outlet: Outlet) -> None:
        self._app = app
        self._request = request
        self._outlet = outlet
        self._status = ""
        self._headers: list[tuple[str, str]] = []
        self._begun = False

    def run(self, common: dict[str, Any]) -> None:
        chunks = self._app(environ_of(self._request, common), self._start)
        try:
            self._answer(chunks)
        finally:
            if close := getattr(chunks, "close", None):
                close()

    def fail(self) -> None:
        """Say that it failed, or break the answer off if it is on its way."""
        if self._begun:
            self._outlet.break_off()
        else:
            self.refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "The request failed.")

    def refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answer instead of the application."""
        head, body = refusal(status, detail)
        self._outlet.finish(head, b"" if self._request.method == "HEAD" else body, keeps=False)

    def _start(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: Any = None,  # noqa: ANN401 - as WSGI has it
        /,
    ) -> Callable[[bytes], object]:
        if exc_info and self._begun:
            raise exc_info[1].with_traceback(exc_info[2])
        self._status, self._headers = status, headers
        return _no_write

    def _answer(self, chunks: Iterable[bytes]) -> None:
        blocks = (block for block in chunks if block)
        first = next(blocks, b"")
        keeps = self._request.keeps
        if self._request.method == "HEAD" or self._status.startswith(_BODILESS):
            self._outlet.finish(self._head(), b"", keeps=keeps)
            return
        length = self._length()
        if length is None and self._request.version == "1.1":
            self._headers = [*self._headers, ("Transfer-Encoding", "chunked")]
            self._stream((chunk(block) for block in _all(first, blocks)), LAST_CHUNK, keeps=keeps)
        elif length is None:
            self._stream(_all(first, blocks), b"", keeps=False)
        else:
            self._send(first, blocks, length, keeps=keeps)

    def _send(self, data: bytes, blocks: Iterator[bytes], length: int, *, keeps: bool) -> None:
        """Send a body of known length, most of them in one piece."""
        sent = 0
        for block in blocks:
            if len(data) > _GATHERED:
                sent += len(data)
                self._send_block(data, keeps=keeps)
                data = block
            else:
                data += block
        if sent + len(data) != length:
            raise ValueError(f"a body of {sent + len(data)} bytes that should have {length}")
        self._outlet.finish(b"" if self._begun else self._head(), data, keeps=keeps)

    def _stream(self, blocks: Iterator[bytes], end: bytes, *, keeps: bool) -> None:
        """Send each block of a body as soon as it is there."""
        for block in blocks:
            self._send_block(block, keeps=keeps)
        self._outlet.finish(b"" if self._begun else self._head(), end, keeps=keeps)

    def _send_block(self, data: bytes, *, keeps: bool) -> None:
        if self._begun:
            self._outlet.more(data)
        else:
            self._begun = True
            self._outlet.begin(self._head(), data, keeps=keeps)

    def _head(self) -> bytes:
        if not self._status:
            raise InvalidHeaderError("the application has not started its answer")
        return head_of(self._status, self._headers)

    def _length(self) -> int | None:
        for name, value in self._headers:
            if name.lower() == "content-length":
                return int(value)
        return None


def _all(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _no_write(_: bytes) -> None:
    raise TypeError("nothing here writes past the iterable (PEP 3333)")
