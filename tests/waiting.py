"""Waiting for what other processes do: always for a condition, always with a deadline."""

import socket
import time
from collections.abc import Callable

_SLOWEST = 3.0
"""How many times longer a machine may take that has other work than these tests.

Deadlines are those of a quiet one. Who waits for what comes is not held up by a later one.
"""


def eventually(holds: Callable[[], object], seconds: float, what: str) -> float:
    """Wait until `holds()` and return how long that took; fail with `what` long after `seconds`."""
    began, granted = time.monotonic(), seconds * _SLOWEST
    while not holds():
        assert time.monotonic() - began < granted, f"not within {granted} s: {what}"
        time.sleep(0.05)  # other processes give no event to wait for
    return time.monotonic() - began


def listening(port: int) -> None:
    """Wait until a server of this machine listens on the port."""
    eventually(lambda: _listens(port), 30, f"somebody listens on {port}")


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
