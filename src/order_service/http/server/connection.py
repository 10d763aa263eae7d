"""One connection: its requests are answered in the order in which they came."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from threading import get_ident
from typing import Any, cast

from .answering import CONTINUE, refusal
from .gateway import GoneError
from .reading import RequestReading
from .request import Request
from .site import Ask, Site, Whole

_LINGER = 2.0
"""Seconds in which what a client still sends is read and dropped, for it to read why."""


class Connection(asyncio.Protocol):
    """A client. Everything happens in the event loop, but what the gateway's threads send.

    Args:
        site: What all connections share.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._reading = RequestReading(self, site.settings)
        self._transport: asyncio.Transport
        self._pending: deque[Request | Whole] = deque()
        self._answering: Request | None = None
        self._asked: list[tuple[Request, Ask | None]] = []
        self._going_on = False
        self._streams = False
        self._lost = False
        self._paused = False
        self._writable = threading.Event()
        self._stands_still = 0.0
        self._lingers = 0.0

    @property
    def reads_a_request(self) -> bool:
        """Whether a request has come in part."""
        return self._reading.begun

    # The transport's calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; one client too many is told so."""
        self._transport = cast("asyncio.Transport", transport)
        site = self._site
        peer = transport.get_extra_info("peername") or ("", 0)
        here = transport.get_extra_info("sockname") or ("", 0)
        self._common = {
            **site.common,
            "REMOTE_ADDR": peer[0],
            "REMOTE_PORT": str(peer[1]),
            "SERVER_NAME": here[0],
            "SERVER_PORT": str(here[1]),
        }
        site.connections.add(self)
        if len(site.connections) > site.most_connections:
            self._reading.ended = True
            self._end_with(
                HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections.", ("Retry-After", "1")
            )

    def connection_lost(self, _: Exception | None) -> None:
        """Let go of everything; whoever still sends is told."""
        self._lost = True
        self._site.connections.discard(self)
        self._pending.clear()
        self._writable.set()

    def eof_received(self) -> bool:
        """Answer what was asked before the client stopped sending; return whether there is any."""
        if self._streams:
            return False  # whoever follows a stream has gone
        self._reading.ended = True
        return self._answering is not None or bool(self._pending)

    def data_received(self, data: bytes) -> None:
        """Read on, and answer at once what was asked in the same words before."""
        reading = self._reading
        if reading.ended:
            return
        fresh = not reading.begun and self._answering is None and not self._paused
        if fresh:
            known = self._site.familiar.get(data)
            if known is not None:
                self._answer_again(*known)
                return
        self._asked.clear()
        reading.feed(data)
        if fresh and len(self._asked) == 1 and not reading.begun:
            request, ask = self._asked[0]
            if ask is not None:
                self._site.familiar.meet(data, request, ask)

    def pause_writing(self) -> None:
        """Send no more until the client has taken what there is."""
        self._paused = True
        self._stands_still = 0.0

    def resume_writing(self) -> None:
        """Go on sending."""
        self._paused = False
        self._writable.set()
        self._go_on()

    # What was read; see `reading.Reader`.

    def take(self, request: Request) -> None:
        """Answer a request, or keep it until those before it are answered."""
        self._stands_still = 0.0
        if self._answering is None and not self._pending and not self._paused:
            self._answer(request)
        else:
            self._pending.append(request)
            self._transport.pause_reading()

    def refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answer what cannot be read, once what came before it is answered."""
        self._end_with(status, detail)

    def go_ahead(self) -> None:
        """Have the body sent. Behind requests that wait the client must find out by itself."""
        self._stands_still = 0.0
        if self._answering is None and not self._pending:
            self._transport.write(CONTINUE)

    # What becomes of it.

    def _answer(self, request: Request) -> None:
        self._answering = request
        self._asked.append((request, self._site.answer(request, self)))

    def _answer_again(self, request: Request, ask: Ask) -> None:
        """Answer a request whose bytes came before."""
        site = self._site
        self._answering = request
        answer = site.ask(request, ask, self)
        if answer is not None:
            self.finish_now(*answer)
            site.answered()

    def _end_with(self, status: HTTPStatus, detail: str, *more: tuple[str, str]) -> None:
        """Answer this last, and close."""
        self._pending.append(refusal(status, detail, *more))
        self._go_on()

    def _go_on(self) -> None:
        """Answer what waits, unless an answer is on its way."""
        if self._going_on:
            return
        self._going_on = True
        while self._pending and self._answering is None and not self._paused and not self._lost:
            waiting = self._pending.popleft()
            if isinstance(waiting, Request):
                self._answer(waiting)
            else:
                self._write(*waiting, keeps=False)
                self._leave()
        self._going_on = False
        if not (self._pending or self._lost or self._transport.is_closing()):
            self._transport.resume_reading()

    # Answers.

    @property
    def common(self) -> dict[str, Any]:
        """What is the same in the environments of all requests of this connection."""
        return self._common

    def reply(self, made: Callable[[], Whole | None]) -> None:
        """See :data:`site.Reply`."""
        if get_ident() == self._site.thread:
            self._reply(made)
        else:
            self._site.post(partial(self._reply, made))

    def _reply(self, made: Callable[[], Whole | None]) -> None:
        answer = made()
        if answer is not None:
            self.finish_now(*answer)
        elif self._answering is not None and not self._lost:
            self._site.hand_on(self._answering, self)

    def finish_now(self, head: bytes, data: bytes) -> None:
        """Send a whole answer; called in the event loop."""
        request, site = self._answering, self._site
        if request is None or self._lost:
            return
        keeps = request.keeps and not (self._pending or self._reading.ended or site.closing)
        if keeps and request.version == "1.1":  # as most do
            self._transport.write(b"".join((head, site.date.line(), b"\r\n", data)))
            self._answering = None
            self._stands_still = 0.0
        else:
            self._finish(head, data, keeps=request.keeps)

    def finish(self, head: bytes, data: bytes, *, keeps: bool) -> None:
        """See :class:`gateway.Outlet`."""
        self._site.post(partial(self._finish, head, data, keeps=keeps))

    def begin(self, head: bytes, data: bytes, *, keeps: bool) -> None:
        """See :class:`gateway.Outlet`."""
        self._writable.clear()
        self._site.post(partial(self._begin, head, data, keeps=keeps))

    def more(self, data: bytes) -> None:
        """See :class:`gateway.Outlet`."""
        self._writable.wait()
        if self._lost:
            raise GoneError
        self._writable.clear()
        self._site.post(partial(self._more, data))

    def break_off(self) -> None:
        """See :class:`gateway.Outlet`."""
        self._site.post(self._transport.abort)

    def _begin(self, head: bytes, data: bytes, *, keeps: bool) -> None:
        self._streams = True
        if not self._lost:
            self._write(head, data, keeps=keeps and not self._site.closing)
        self._has_sent()

    def _more(self, data: bytes) -> None:
        if not self._lost:
            self._transport.write(data)
        self._has_sent()

    def _has_sent(self) -> None:
        if self._lost or not self._paused:
            self._writable.set()

    def _finish(self, head: bytes, data: bytes, *, keeps: bool) -> None:
        if self._lost:
            return
        keeps = keeps and not self._site.closing
        if head:
            self._write(head, data, keeps=keeps)
        elif data:
            self._transport.write(data)
        self._answering = None
        self._streams = False
        self._stands_still = 0.0
        if not keeps or (self._reading.ended and not self._pending):
            self._leave()
        elif self._pending:
            self._go_on()

    def _write(self, head: bytes, data: bytes, *, keeps: bool) -> None:
        request = self._answering
        if not keeps:
            end = b"Connection: close\r\n\r\n"
        elif request is not None and request.version == "1.0":
            end = b"Connection: keep-alive\r\n\r\n"
        else:
            end = b"\r\n"
        self._transport.write(b"".join((head, self._site.date.line(), end, data)))

    # The end.

    def _leave(self) -> None:
        """Close when all is sent, but go on reading what the client sends meanwhile.

        A connection that is closed with something unread is reset, and the client might not get to
        read its answer (RFC 9112, section 9.6).
        """
        reading = self._reading
        reading.ended = True
        self._pending.clear()
        if self._transport.is_closing():
            return
        if (reading.begun or reading.discards) and self._transport.can_write_eof():
            self._lingers = _LINGER
            self._transport.resume_reading()
            self._transport.write_eof()
        else:
            self._transport.close()

    def let_go(self, *, patient: bool = True) -> None:
        """Close now if no request is on its way; one that comes in parts counts for the patient."""
        if self._answering is not None or self._pending:
            return
        if self._lingers or not (patient and self.reads_a_request):
            self._transport.close()

    def pass_time(self, seconds: float) -> None:
        """End what stands still for too long; called every now and then."""
        if self._lingers:
            self._lingers -= seconds
            if self._lingers <= 0:
                self._transport.abort()
            return
        if self._answering is not None and not self._paused:
            return  # it is the application that takes its time
        self._stands_still += seconds
        if self._stands_still < self._site.settings.idle_timeout:
            return
        if self._paused:
            self._transport.abort()
        elif self._reading.begun:
            self._reading.ended = True
            self._end_with(HTTPStatus.REQUEST_TIMEOUT, "The request took too long.")
        else:
            self._transport.close()
