"""Child processes that never outlive their parent, however it ends.

On Linux the kernel ends the child. Everywhere a pid file in the child's folder lets the next start
find a leftover, and end it only if it is that very process and nobody owns it any more. A child has
a session of its own, so Ctrl-C in the terminal reaches only the supervisor.
"""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from order_service.embedded.launching import Begin, Launch, Output, spawned
from order_service.embedded.process_table import await_gone, identity, process_tree, send

_GONE_TIMEOUT = 10.0
_LOG_LIMIT_BYTES = 16 * 1024 * 1024
_TAIL_BYTES = 4096


class EmbeddedServerError(RuntimeError):
    """An embedded server cannot be had; the text says why and ends with the tail of its log."""


class ChildProcess:
    """One run of a program, from its start to its end.

    Its pid is kept in `<folder>/<name>.pid`, its log in `<folder>/<name>.log`.
    """

    def __init__(  # noqa: PLR0913 - all that a process is started with
        self,
        name: str,
        folder: Path,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        orphan_signal: signal.Signals = signal.SIGKILL,
        output: Output = Output.LOG,
        begin: Begin = spawned,
    ) -> None:
        """Start `command`.

        Args:
            name: of the log and the pid file.
            folder: where both lie; it exists.
            command: program and arguments.
            environment: added to that of this process.
            orphan_signal: what the child gets when this process dies without ending it.
            output: where its output goes.
            begin: begins the process.

        Raises:
            EmbeddedServerError: the folder belongs to a living process, or the program is missing.
        """
        self._ended = False
        self._pid_file = folder / f"{name}.pid"
        end_leftover(self._pid_file)
        self.log = LogFile(folder / f"{name}.log")
        launch = Launch(command, environment or {}, orphan_signal, output, self.log.path)
        self.handle = begin(launch)
        _write_pid_file(self._pid_file, self.pid)

    @property
    def pid(self) -> int:
        """Pid of the program."""
        return self.handle.pid

    def alive(self) -> bool:
        """Whether it runs now; a suspended one does. Never blocks."""
        return self.handle.poll() is None

    def wait(self, timeout: float) -> bool:
        """Block until it ended, at most `timeout` seconds; say whether it did."""
        try:
            self.handle.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True

    def tell(self, line: str) -> None:
        """Write `line` to stdin, and end it."""
        if pipe := self.handle.stdin:
            # Whoever is dead already will be found so.
            with contextlib.suppress(BrokenPipeError):
                pipe.write(f"{line}\n")
            _close(pipe)

    def stop(self, number: signal.Signals, timeout: float) -> None:
        """Ask it to end by signal `number`; after `timeout` seconds end it by force."""
        if self.alive():
            self.resume()
            self.handle.send_signal(number)
            self.wait(timeout)
        self.kill()

    def kill(self) -> None:
        """End it and all its children at once, and wait until they are gone."""
        if self.alive():
            end_tree(self.pid)
        self.handle.wait()
        for pipe in (self.handle.stdin, self.handle.stdout):
            _close(pipe)
        if not self._ended:
            # Only once: later the file may be that of another owner of the folder.
            self._pid_file.unlink(missing_ok=True)
            self._ended = True

    def suspend(self) -> None:
        """Let it and its children hang (SIGSTOP): their sockets stay open and say nothing."""
        # The parent first, so that it cannot fork behind our back.
        self.handle.send_signal(signal.SIGSTOP)
        send(process_tree(self.pid), signal.SIGSTOP)

    def resume(self) -> None:
        """Let it and its children go on (SIGCONT)."""
        send(reversed(process_tree(self.pid)), signal.SIGCONT)


class LogFile:
    """The log file of a child; what earlier runs wrote is kept, up to a bound."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.exists() and path.stat().st_size > _LOG_LIMIT_BYTES:
            path.replace(path.with_suffix(".log.1"))
        path.touch()
        self._start = path.stat().st_size

    def tail(self) -> str:
        """Return the end of what this run wrote, a few kilobytes at most."""
        with self.path.open("rb") as file:
            file.seek(max(self._start, self.path.stat().st_size - _TAIL_BYTES))
            return file.read().decode(errors="replace").strip()


def end_leftover(pid_file: Path) -> None:
    """End the process that an owner who died left behind, if there is one.

    Raises:
        EmbeddedServerError: its owner lives, so it is no leftover.
    """
    record = _read_pid_file(pid_file)
    pid, owner = int(record.get("pid", 0)), int(record.get("owner", 0))
    running = identity(pid) if pid else None
    # A child that ended before its file was written has no start in it, and runs no more.
    if running is not None and running == record["started"]:
        if identity(owner) == record["owner_started"]:
            raise EmbeddedServerError(f"{pid_file.parent} is in use by process {owner}")
        end_tree(pid)
    pid_file.unlink(missing_ok=True)


def end_tree(pid: int) -> None:
    """Kill process `pid` and all its descendants; block until they are gone."""
    send(process_tree(pid)[:1], signal.SIGSTOP)
    tree = process_tree(pid)
    send(tree, signal.SIGKILL)
    if not await_gone(tree, _GONE_TIMEOUT):
        raise EmbeddedServerError(f"process {pid} or a child of it does not end")


def _read_pid_file(path: Path) -> dict[str, str]:
    try:
        record = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    fields = {"pid", "started", "owner", "owner_started"}
    return record if isinstance(record, dict) and fields <= record.keys() else {}


def _write_pid_file(path: Path, pid: int) -> None:
    own = os.getpid()
    record = {"pid": str(pid), "started": identity(pid)}
    path.write_text(json.dumps(record | {"owner": str(own), "owner_started": identity(own)}))


def _close(pipe: IO[str] | None) -> None:
    if pipe is not None:
        # What was still to be written to a dead process is lost.
        with contextlib.suppress(OSError):
            pipe.close()
