"""Begins programs as forks of one process that has loaded their modules; see `fork_server.py`.

To load them takes most of the time of a start, and some of them take memory: a dozen programs that
share what they are made of start, and restart, in a fraction of it.
"""

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from order_service.embedded import fork_server
from order_service.embedded.launching import Launch, Output, spawned
from order_service.embedded.processes import ChildProcess

_PR_SET_CHILD_SUBREAPER = 36
_ANSWER_S = 30.0
_END_S = 2.0
_PAUSES = (0.0005, 0.02)
"""Shortest and longest time between two looks at a process that is waited for, in seconds."""


class NoForkError(Exception):
    """Nothing can be forked any more; programs have to be spawned."""


class ForkServer:
    """A process that loads modules, and forks. After its first failure it does no more.

    Args:
        folder: of its log and its pid file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._child: ChildProcess | None = None
        self._channel: socket.socket | None = None

    def start(self) -> None:
        """Begin the process.

        Raises:
            EmbeddedServerError: its folder belongs to a living process.
            OSError: the process or its files cannot be made.
        """
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.settimeout(_ANSWER_S)
        self._channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, fork_server.LARGEST)
        with theirs:
            self._child = ChildProcess(
                "fork-server",
                self._folder,
                # The folder leaves room for the titles of the programs, which take its place.
                [sys.executable, "-m", fork_server.__name__, str(self._folder)],
                environment={"SPT_NOENV": "1"},
                begin=lambda launch: spawned(launch, theirs),
            )

    def load(self, modules: Sequence[str]) -> None:
        """Have modules loaded that programs will need; does not block.

        Raises:
            NoForkError: the process is gone.
        """
        with self._lock, self._giving_up():
            self._send({"modules": modules})

    def fork(self, modules: Sequence[str], launch: Launch) -> "ForkedProcess":
        """Begin a process with these modules loaded.

        Raises:
            NoForkError: the process is gone, hangs, or has no room for another one.
        """
        request = {
            "modules": modules,
            "command": launch.command,
            "environment": launch.environment,
            "orphan_signal": launch.orphan_signal,
            "owner": os.getpid(),
        }
        with (
            self._lock,
            self._giving_up(),
            _output(launch.output) as (pipe, streams),
            _orphans_are_ours(),
        ):
            pid = self._send(request, streams).recv(32)
            if not pid:
                raise ConnectionResetError("the fork server is gone")
            return ForkedProcess(int(pid), pipe)

    def close(self) -> None:
        """End the process; what it forked stays."""
        self._hang_up()
        if self._child is not None:
            self._child.stop(signal.SIGTERM, _END_S)

    @contextlib.contextmanager
    def _giving_up(self) -> Iterator[None]:
        """Hang up if the block fails: a late answer must not be taken for that of the next one."""
        try:
            yield
        except OSError as error:
            self._hang_up()
            raise NoForkError(str(error)) from error

    def _hang_up(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _send(self, request: Mapping[str, object], streams: Sequence[int] = ()) -> socket.socket:
        if self._channel is None:
            raise ConnectionResetError("the fork server is gone")
        socket.send_fds(self._channel, [json.dumps(request).encode()], streams)
        return self._channel


class ForkedProcess:
    """A child that another process forked for this one. Implements `Running`.

    Args:
        pid: its id.
        stdout: the pipe from it, if there is one.
    """

    stdin: IO[str] | None = None

    def __init__(self, pid: int, stdout: IO[str] | None) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        # Of two threads that wait only one is told.
        self._waiting = threading.Lock()

    def poll(self) -> int | None:
        """See `Running`."""
        with self._waiting:
            if self.returncode is None:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """See `Running`."""
        end = time.monotonic() + (float("inf") if timeout is None else timeout)
        pause, longest = _PAUSES
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
            time.sleep(pause)
            pause = min(2 * pause, longest)
        return code

    def send_signal(self, sig: int) -> None:
        """See `Running`."""
        with self._waiting:
            # Nobody else can have its id before it was waited for.
            if self.returncode is None:
                os.kill(self.pid, sig)


@contextlib.contextmanager
def _output(output: Output) -> Iterator[tuple[IO[str] | None, Sequence[int]]]:
    """Yield our end of the process's output, if there is one, and its stdout and stderr."""
    if output is not Output.RELAYED:
        yield None, (1, 2)
        return
    ours, theirs = os.pipe()
    pipe = os.fdopen(ours)
    try:
        yield pipe, (theirs, theirs)
    except BaseException:
        pipe.close()
        raise
    finally:
        os.close(theirs)


@contextlib.contextmanager
def _orphans_are_ours() -> Iterator[None]:
    """Be the parent of whatever loses its own below this process, for the length of the block."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "orphans cannot be taken over")
    try:
        yield
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
