"""An HTTP client for load: many keep-alive connections in one thread, latencies by schedule.

With a rate it is an open loop: every request has its time, whether or not those before it
are answered, and its latency counts from that time. A closed loop would send less just when
the server is slow, and so never see the slowness that users see. Raw sockets and epoll
cost some 20 µs a request, a fraction of what libraries take from the server's cores.
"""

import re
import select
import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle
from typing import NamedTuple

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
_OK = b"HTTP/1.1 200"
_RECEIVE = 65536
_GRACE_S = 10.0


class Load(NamedTuple):
    """What a load run saw; latencies in milliseconds."""

    rate: float
    p50: float
    p99: float
    requests: int


class _Connection:
    """One connection with at most one request on it."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        self._received = b""

    def send(self, request: bytes, due: float) -> None:
        """Send a request that was due at `due`."""
        self.due = due
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Read what is there; return whether the answer is whole.

        Raises:
            RuntimeError: It is not 200, or the connection was closed.
        """
        self._received += (chunk := self.socket.recv(_RECEIVE))
        head = self._received.find(_HEAD_END)
        if not chunk or not self._received.startswith(_OK[: len(self._received)]):
            raise RuntimeError(f"not answered: {self._received[:80]!r}")
        if head < 0:
            return False
        length = _LENGTH.search(self._received, 0, head + 2)
        if len(self._received) < head + len(_HEAD_END) + int(length[1] if length else 0):
            return False
        self._received = b""
        return True


class Client:
    """A number of connections to one server.

    Args:
        port: Of the server, on loopback.
        paths: What to get, over and over.
        connections: How many requests may be on their way.
    """

    def __init__(self, port: int, paths: Iterable[str], connections: int) -> None:
        address = ("127.0.0.1", port)
        self._requests = cycle(
            [f"GET {p} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for p in paths]
        )
        self._connections = [_Connection(address) for _ in range(connections)]
        self._by_fd = {each.socket.fileno(): each for each in self._connections}
        self._idle = deque(self._connections)
        self._poll = select.epoll()
        for descriptor in self._by_fd:
            self._poll.register(descriptor, select.EPOLLIN)

    def run(self, seconds: float, rate: float | None = None) -> Load:
        """Ask for `seconds`: `rate` times a second, or as fast as answers come."""
        began = time.perf_counter()
        schedule = _schedule(began, seconds, rate)
        latencies = self._ask(schedule, began + seconds + _GRACE_S)
        elapsed = time.perf_counter() - began
        return summary(latencies, elapsed)

    def run_all(self, count: int) -> Load:
        """Ask `count` times, as fast as answers come."""
        began = time.perf_counter()
        now = (time.perf_counter() for _ in range(count))
        latencies = self._ask(now, began + count * _GRACE_S)
        return summary(latencies, time.perf_counter() - began)

    def _ask(self, schedule: Iterator[float], give_up: float) -> list[float]:
        """Send as the schedule says, wait for all answers; return the latencies in seconds."""
        latencies: list[float] = []
        due = next(schedule, None)
        while due is not None or len(self._idle) < len(self._connections):
            now = time.perf_counter()
            if now > give_up:
                raise TimeoutError("the server does not keep up")
            while due is not None and due <= now and self._idle:
                self._idle.popleft().send(next(self._requests), due)
                due = next(schedule, None)
            wait = max(0.0, due - now) if due is not None and self._idle else _GRACE_S
            self._collect(min(wait, give_up - now), latencies)
        return latencies

    def _collect(self, wait: float, latencies: list[float]) -> None:
        # epoll itself would round the wait up to milliseconds.
        select.select([self._poll], [], [], max(0.0, wait))
        for descriptor, _ in self._poll.poll(0):
            connection = self._by_fd[descriptor]
            if connection.receive():
                latencies.append(time.perf_counter() - connection.due)
                self._idle.append(connection)

    def close(self) -> None:
        """Close all connections."""
        self._poll.close()
        for connection in self._connections:
            connection.socket.close()


def _schedule(began: float, seconds: float, rate: float | None) -> Iterator[float]:
    """Yield the times at which requests are due."""
    if rate is not None:
        yield from (began + number / rate for number in range(round(seconds * rate)))
        return
    while (now := time.perf_counter()) < began + seconds:
        yield now


def summary(latencies: Sequence[float], elapsed: float) -> Load:
    """Return what stands in a table."""
    ordered = sorted(latencies)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000

    return Load(len(ordered) / elapsed, at(0.5), at(0.99), len(ordered))
