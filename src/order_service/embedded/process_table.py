"""What the operating system knows of other processes: who they are, and who their children are.

A pid alone names nobody for long, since it is given out again. Paired with the time at which the
process started it names one process for good, which is what makes it safe to end a leftover.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

_PROC = Path("/proc")
_PROC_STAT = _PROC / "self/stat"  # Linux alone has it
_POLL_SECONDS = 0.01


def identity(pid: int) -> str | None:
    """Return a token that no other process ever shares, or None if `pid` does not run.

    A zombie, dead but not yet reaped, does not run.
    """
    if not _PROC_STAT.exists():
        return _ps("-o", "lstart=", "-p", str(pid)).strip() or None
    fields = _stat(pid)
    return None if fields is None or fields[0] in "ZX" else f"{_boot_id()}:{fields[19]}"


def command_line(pid: int) -> str:
    """Return program and arguments of a process, separated by spaces; empty if it is gone."""
    if not _PROC_STAT.exists():
        return _ps("-o", "command=", "-p", str(pid)).strip()
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return b" ".join(words).decode(errors="replace").strip()


def descendants(pid: int) -> list[int]:
    """Return the pids of the children of `pid`, of their children, and so on."""
    found: list[int] = []
    parents = _parents()
    wave = {pid}
    while wave:
        wave = {child for child, parent in parents.items() if parent in wave}
        found += sorted(wave)
    return found


def send(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to each process of `pids` that still exists."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def await_gone(processes: dict[int, str | None], timeout: float) -> bool:
    """Block until no process of `processes` (pid to identity) runs; say whether that came true.

    They need not be children of this process, so their end can only be polled. `timeout` is in
    seconds.
    """
    deadline = time.monotonic() + timeout
    while any(token and identity(pid) == token for pid, token in processes.items()):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _parents() -> dict[int, int]:
    if not _PROC_STAT.exists():
        rows = (line.split() for line in _ps("-A", "-o", "pid=,ppid=").splitlines())
        return {int(pid): int(parent) for pid, parent in rows}
    pids = (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())
    stats = ((pid, _stat(pid)) for pid in pids)
    return {pid: int(fields[1]) for pid, fields in stats if fields}


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/<pid>/stat from the state on; the name before it may hold anything."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


def _boot_id() -> str:
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def _ps(*arguments: str) -> str:
    command = ["ps", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603  fixed words and a number
