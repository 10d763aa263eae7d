"""A deadline for blocking calls on a socket that know none themselves.

libpq waits for ever for a server that is frozen or behind a dead network: statement
timeouts are kept by the very server that does not answer. One watchdog thread shuts the
sockets down whose time is up, and the blocked call fails as if the server had gone.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator


class SocketDeadlines:
    """Watches sockets by their file descriptors. Thread-safe.

    Args:
        interval: Seconds between two looks, the tolerance of a deadline.
        clock: Monotonic seconds.
    """

    def __init__(self, interval: float = 0.1, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = interval
        self._clock = clock
        self._watched: dict[int, float] = {}
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="socket-deadlines", daemon=True)

    def start(self) -> None:
        """Start watching; call it after any fork."""
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._closed.set()

    @contextlib.contextmanager
    def within(self, seconds: float, fileno: int) -> Iterator[None]:
        """Shut the socket `fileno` down if the block takes longer than `seconds`."""
        self._watched[fileno] = self._clock() + seconds
        try:
            yield
        finally:
            # The lock keeps the watchdog from shutting down a descriptor that is
            # already free for another use.
            with self._lock:
                self._watched.pop(fileno, None)

    def _run(self) -> None:
        while not self._closed.wait(self._interval):
            self.expire()

    def expire(self) -> None:
        """Shut down every socket whose time is up."""
        now = self._clock()
        with self._lock:
            for fileno, deadline in list(self._watched.items()):
                if deadline <= now:
                    del self._watched[fileno]
                    _shut_down(fileno)


def _shut_down(fileno: int) -> None:
    with (
        contextlib.suppress(OSError),
        socket.fromfd(fileno, socket.AF_INET, socket.SOCK_STREAM) as connection,
    ):
        connection.shutdown(socket.SHUT_RDWR)
