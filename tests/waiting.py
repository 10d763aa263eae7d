"""Waiting for what other processes do: always for a condition, always with a deadline."""

import time
from collections.abc import Callable


def eventually(holds: Callable[[], object], seconds: float, what: str) -> float:
    """Wait until `holds()` and return how long that took; fail with `what` after `seconds`."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.05)  # other processes give no event to wait for
    return time.monotonic() - began
