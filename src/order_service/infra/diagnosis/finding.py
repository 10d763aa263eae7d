"""What a look at one part found."""

import time
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from threading import Thread
from typing import NamedTuple

_CLOCK_TOLERANCE = 5.0
"""Seconds by which two clocks may differ before ages and times mislead."""


class Severity(StrEnum):
    """How bad it is."""

    OK = "ok"
    HINT = "hint"
    """Nothing is wrong, but a person may want to know."""
    WARNING = "warning"
    """It works now, and may not under load, after a fault or in an attack."""
    FAULT = "fault"
    """The service, or a part of it, cannot work like this."""


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes:
        subject: What was looked at, in a word or two: ``login``.
        level: How bad it is.
        text: What was found; holds no secret.
        remedy: What to do about it, empty if nothing.
    """

    subject: str
    level: Severity
    text: str
    remedy: str = ""


def ok(subject: str, text: str) -> Finding:
    """Return a finding that is well."""
    return Finding(subject, Severity.OK, text)


def hint(subject: str, text: str, remedy: str = "") -> Finding:
    """Return something worth knowing."""
    return Finding(subject, Severity.HINT, text, remedy)


def warning(subject: str, text: str, remedy: str) -> Finding:
    """Return a finding that may become a fault."""
    return Finding(subject, Severity.WARNING, text, remedy)


def fault(subject: str, text: str, remedy: str) -> Finding:
    """Return a finding that keeps the service from working."""
    return Finding(subject, Severity.FAULT, text, remedy)


def clock_of(server: str, offset: float) -> Finding:
    """Return whether a server's clock, `offset` seconds ahead of ours, is near enough."""
    if abs(offset) <= _CLOCK_TOLERANCE:
        return ok("clock", f"agrees with that of {server} (within {_CLOCK_TOLERANCE:g} s)")
    direction = "behind" if offset > 0 else "ahead of"
    return warning(
        "clock",
        f"ours is {abs(offset):.0f} s {direction} that of {server}",
        "let both machines set their clocks by NTP (timedatectl set-ntp true)",
    )


Look = Callable[[], Iterable[Finding]]
"""Looks at one part; blocks."""


def look_at_all(looks: Mapping[str, Look], timeout: float) -> dict[str, list[Finding]]:
    """Return the findings of every part, all looked at at the same time.

    A part that is not done after `timeout` seconds has a fault that says so, after what was
    found until then; its thread is left behind and ends with the process.
    """
    found: dict[str, list[Finding]] = {name: [] for name in looks}
    threads = {
        name: Thread(target=_collect, args=(look, found[name]), daemon=True)
        for name, look in looks.items()
    }
    for thread in threads.values():
        thread.start()
    deadline = time.monotonic() + timeout
    for name, thread in threads.items():
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            found[name] = [*found[name], _silence(timeout)]
    return found


def _collect(look: Look, into: list[Finding]) -> None:
    try:
        for each in look():
            into.append(each)  # noqa: PERF402 - what was found before a failure counts, too
    except Exception as error:  # noqa: BLE001 - a part that surprises must not hide the others
        text = f"{type(error).__name__}: {error}".strip(": ")
        into.append(fault("unexpected", text, "look at the log of that server"))


def _silence(timeout: float) -> Finding:
    return fault(
        "answer",
        f"none within {timeout:g} s",
        "the server or the network on the way to it hangs; see the server's own log and load",
    )
