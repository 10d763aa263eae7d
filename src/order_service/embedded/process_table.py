"""What the operating system knows of other processes: who they are, and who their children are.

A pid alone names nobody for long, since it is given out again. Paired with the time at which the
process started it names one process for good, which is what makes it safe to end a leftover.
"""

import contextlib
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # Linux alone has it
_POLL_SECONDS = 0.01


def identity(pid: int) -> str | None:
    """Return a token that no other process ever shares, or None if `pid` does not run.

    A zombie, dead but not yet reaped, does not run.
    """
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if _runs(process):
            # Since the boot: when the clock is set, the time of day of a start moves with it.
            return f"{_boot_id()}:{process.create_time() - psutil.boot_time():.2f}"
    return None


def command_line(pid: int) -> str:
    """Return program and arguments of a process, separated by spaces; empty if it is gone."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return " ".join(psutil.Process(pid).cmdline())
    return ""


def process_tree(pid: int) -> list[psutil.Process]:
    """Return process `pid`, its children, their children, and so on; nothing if it is gone."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to each process that still exists."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def await_gone(processes: Iterable[psutil.Process], timeout: float) -> bool:
    """Block until none of the processes runs; say whether that came true in `timeout` seconds.

    It polls and reaps none. `psutil.wait_procs` would, and whoever else waits for a child of ours
    could no longer learn how it ended.
    """
    deadline = time.monotonic() + timeout
    while any(map(_runs, processes)):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _runs(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _boot_id() -> str:
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
