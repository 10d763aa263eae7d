"""Waiting for what other processes do: always for a condition, always with a deadline."""

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
