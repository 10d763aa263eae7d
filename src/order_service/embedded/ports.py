"""TCP ports on the loopback address: finding a free one, keeping it, and asking who answers.

Ports come from below the range that the kernel gives to outgoing connections. A server that is
restarted then finds its port still free: no client that keeps reconnecting to it can have got that
very port as its own, and be connected to itself.
"""

import random
import socket
from collections.abc import Sequence

from order_service.embedded.processes import EmbeddedServerError
from order_service.infra.listening import why_not_listen

HOST = "127.0.0.1"
_RANGE = range(20_000, 32_000)
_ATTEMPTS = 200


class Port:
    """The port of one server, the same from start to start as long as nobody else takes it."""

    def __init__(self, fixed: int | None = None, rng: random.Random | None = None) -> None:
        """`fixed` is the only port to take; None is any, drawn with `rng`."""
        self._fixed = fixed
        self._rng = rng
        self.number = fixed or 0

    def claim(self) -> int:
        """Return the port to listen on next; `number` says it from then on.

        Raises:
            EmbeddedServerError: the fixed port is taken, or there is no free port.
        """
        if not (self.number and is_free(self.number)):
            if self._fixed:
                raise EmbeddedServerError(f"port {self._fixed} is taken by another program")
            self.number = free_port(self._rng)
        return self.number


def free_port(rng: random.Random | None = None) -> int:
    """Return a port nobody listens on now; another program may take it before the caller does."""
    numbers: Sequence[int] = (rng or random.SystemRandom()).sample(_RANGE, _ATTEMPTS)
    for number in numbers:
        if is_free(number):
            return number
    raise EmbeddedServerError(f"no free port among {_ATTEMPTS} tried")


def is_free(number: int) -> bool:
    """Whether a server could listen on loopback port `number` now."""
    return why_not_listen(HOST, number) is None


def ask(number: int, request: bytes, length: int, timeout: float = 1.0) -> bytes:
    """Send `request` to a loopback port and return `length` bytes of the answer.

    Fewer, possibly none, if nobody listens or the answer does not come within `timeout` seconds.
    """
    answer = b""
    try:
        with socket.create_connection((HOST, number), timeout) as connection:
            connection.sendall(request)
            while len(answer) < length and (more := connection.recv(length - len(answer))):
                answer += more
    except OSError:
        return b""
    return answer
