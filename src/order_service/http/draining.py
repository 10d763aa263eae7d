"""How a worker lets its clients go before it stops, so that no request is lost.

First every answer says that its connection ends with it: clients with a connection leave.
Then the worker stops listening, while what it has accepted is still read and answered:
new clients are refused by the kernel, which they can see and repeat, where a connection
that is reset with a request on it would leave them in doubt.
"""

import ctypes
import os
import socket
import stat
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication, WSGIEnvironment

_OPEN_FILES = Path("/proc/self/fd")
_SO_ATTACH_FILTER = 26  # asm-generic/socket.h; the module socket does not have it


class _Instruction(ctypes.Structure):
    """One instruction of the classic packet filter: sock_filter in linux/filter.h."""

    _fields_ = (
        ("code", ctypes.c_uint16),
        ("jt", ctypes.c_uint8),
        ("jf", ctypes.c_uint8),
        ("k", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    """A filter: sock_fprog in linux/filter.h."""

    _fields_ = (("length", ctypes.c_uint16), ("code", ctypes.POINTER(_Instruction)))


_RETURN = 0x06
_DROP_ALL = _Program(1, ctypes.pointer(_Instruction(_RETURN, 0, 0, 0)))  # keep no byte


class Drainable:
    """WSGI middleware that ends connections with their next answer once the drain began.

    Args:
        app: Answers the requests.
        draining: A pipe that ends when the drain begins.
        port: The port to stop listening on.
        delay: Seconds after the beginning in which new connections are still accepted.
    """

    def __init__(self, app: WSGIApplication, draining: Connection, port: int, delay: float) -> None:
        self._app = app
        self._closing = False
        watch = threading.Thread(target=self._watch, args=(draining, port, delay), daemon=True)
        watch.start()

    def _watch(self, draining: Connection, port: int, delay: float) -> None:
        draining.poll(None)
        self._closing = True
        time.sleep(delay)
        stop_listening(port)

    def __call__(self, environ: WSGIEnvironment, start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - as WSGI has it
        """Handle one request."""
        if not self._closing:
            return self._app(environ, start_response)

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:  # noqa: ANN401 - as WSGI has it
            return start_response(status, [*headers, ("Connection", "close")], *more)

        return self._app(environ, start)


def stop_listening(port: int) -> None:
    """Let no more connections reach the sockets of this process that listen on `port`.

    The server offers no way to stop accepting without closing what it accepted, and closing
    a socket resets the connections in its queue. A packet filter that drops everything
    closes the door and leaves the queue: the server accepts what is in it and nothing
    comes after. Only Linux has this; elsewhere nothing happens.
    """
    with suppress(OSError):
        for name in os.listdir(_OPEN_FILES):  # noqa: PTH208 - numbers are wanted, not paths
            with suppress(OSError):
                _bar(int(name), port)


def _bar(descriptor: int, port: int) -> None:
    """Attach the filter to `descriptor` if it listens on `port`."""
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        return
    # The duplicate belongs to us: closing it leaves the server's own alone.
    with socket.socket(fileno=os.dup(descriptor)) as known:
        listens = known.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        if listens and known.getsockname()[1] == port:
            known.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, bytes(_DROP_ALL))
