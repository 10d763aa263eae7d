"""Connections for urllib3 whose answers are whole within a time, however slowly they come.

A read timeout counts from byte to byte: a server that sends one a second, of headers or body, holds
whoever waits for as long as it likes. Here each read waits for what is left of the whole time.
"""

import io
import socket
import time
from collections.abc import Callable
from http.client import HTTPResponse
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


def pools_with_deadline(seconds: float) -> dict[str, Any]:
    """Return classes for `PoolManager.pool_classes_by_scheme`.

    An answer that is not whole `seconds` after its request began to be sent ends as one that timed
    out does: reading it raises `urllib3.exceptions.ReadTimeoutError`.
    """

    class Timed:
        """Notes when each request begins, and limits the reading of its answer."""

        _deadline = 0.0

        def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - urllib3's own
            super().__init__(*args, **kwargs)
            self.response_class = _limited(self._left)

        def request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
            self._deadline = time.monotonic() + seconds
            super().request(*args, **kwargs)  # type: ignore[misc]  # mixed into one

        def _left(self) -> float:
            return self._deadline - time.monotonic()

    class Plain(Timed, HTTPConnection):
        pass

    class Secure(Timed, HTTPSConnection):
        pass

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _limited(left: Callable[[], float]) -> type[HTTPResponse]:
    class Limited(HTTPResponse):
        """A response all of which, status line and headers too, is read through `_LimitedRaw`."""

        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
            super().__init__(sock, *args, **kwargs)
            raw = self.fp.detach()
            self.fp = io.BufferedReader(_LimitedRaw(sock, raw, left))

    return Limited


class _LimitedRaw(io.RawIOBase):
    """What comes from a socket, each read for at most the seconds that are left."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase, left: Callable[[], float]) -> None:
        super().__init__()
        self._sock = sock
        self._raw = raw
        self._left = left

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any, /) -> int | None:  # noqa: ANN401 - any writable buffer
        """Read what there is.

        Raises:
            TimeoutError: The time is over.
        """
        left = self._left()
        if left <= 0:
            raise TimeoutError("the answer is not whole in time")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Let go of the socket; its connection closes it or keeps it."""
        self._raw.close()
        super().close()
