"""How a worker lets its clients go before it stops, so that no request is lost.

First every answer says that its connection ends with it: clients with a connection leave.
Then the worker stops listening, while what it has accepted is still read and answered:
new clients are refused by the kernel, which they can see and repeat, where a connection
that is reset with a request on it leaves them in doubt.
"""

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

from .guard import Environ, Wsgi

_OPEN_FILES = Path("/proc/self/fd")


class Drainable:
    """WSGI middleware that ends connections with their next answer once the drain began.

    Args:
        app: Answers the requests.
        draining: A pipe that ends when the drain begins.
        port: The port to stop listening on.
        delay: Seconds after the beginning in which new connections are still accepted.
    """

    def __init__(self, app: Wsgi, draining: Connection, port: int, delay: float) -> None:
        self._app = app
        self._closing = False
        watch = threading.Thread(target=self._watch, args=(draining, port, delay), daemon=True)
        watch.start()

    def _watch(self, draining: Connection, port: int, delay: float) -> None:
        draining.poll(None)
        self._closing = True
        time.sleep(delay)
        stop_listening(port)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - as WSGI has it
        """Handle one request."""
        if not self._closing:
            return self._app(environ, start_response)

        def start(status: str, headers: list[tuple[str, str]], *more: object) -> object:
            return start_response(status, [*headers, ("Connection", "close")], *more)

        return self._app(environ, start)


def stop_listening(port: int) -> None:
    """Close the sockets of this process that listen on `port`, under the server's feet.

    The server offers no way to stop accepting without closing what it accepted. A socket
    that nobody connects to takes the place of the listening one, so that the server goes
    on waiting for connections and none comes. Where there is no /proc, nothing happens.
    """
    with suppress(OSError):
        for name in os.listdir(_OPEN_FILES):  # noqa: PTH208 - numbers are wanted, not paths
            with suppress(OSError):
                _replace(int(name), port)


def _replace(descriptor: int, port: int) -> None:
    """Put an idle socket in the place of `descriptor` if it listens on `port`."""
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        return
    # The duplicate belongs to us: closing it leaves the server's own alone.
    with socket.socket(fileno=os.dup(descriptor)) as known:
        if not known.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return
        if known.getsockname()[1] != port:
            return
        with socket.socket(known.family, socket.SOCK_STREAM) as idle:
            os.dup2(idle.fileno(), descriptor, inheritable=False)
