"""Locks between processes: a file that one process holds, until it ends, however it ends."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from order_service.embedded.unprivileged import mode_of_closed_folder

_LOCK = "run.lock"
_ONCE_OPEN = 0o755
"""The mode that earlier versions gave to a data directory."""


class AlreadyRunningError(Exception):
    """Another process holds the data directory."""


@contextmanager
def waited_for(path: Path) -> Iterator[None]:
    """Hold the lock of this file for the block; blocks until no other process does."""
    with _opened(path) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Create the data directory if need be and hold it for this process alone.

    Two stacks on one directory would write to the same database files.

    Raises:
        AlreadyRunningError: at once if another process holds it; the message names its id.
        OSError: the directory cannot be made or written.
    """
    _make(data_dir)
    with _opened(data_dir / _LOCK) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise AlreadyRunningError(_message(data_dir, file.read().strip())) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _make(data_dir: Path) -> None:
    """Create it for its owner alone; one from before it was closed to others is closed now."""
    closed = mode_of_closed_folder()
    data_dir.mkdir(mode=closed, parents=True, exist_ok=True)
    known = (data_dir / _LOCK).exists()
    if known and stat.S_IMODE(data_dir.stat().st_mode) == _ONCE_OPEN:
        data_dir.chmod(closed)


def _opened(path: Path) -> IO[str]:
    # Append, so that opening the file does not wipe the id of the process that holds it.
    return path.open("a+", encoding="ascii")


def _message(data_dir: Path, pid: str) -> str:
    return (
        f"the stack in {data_dir} is already running (process {pid or 'unknown'}): "
        "stop it with Ctrl-C, or set ORDER_SERVICE_DATA_DIR to another directory"
    )
