"""How a child process begins: what it is given, and what is known of it then."""

import functools
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import IO, Protocol

from order_service.embedded import die_with_parent

_Stream = int | IO[bytes] | None
_Job = tuple[Callable[[], "subprocess.Popen[str]"], "Future[subprocess.Popen[str]]"]


class Output(Enum):
    """Where the output of a child goes.

    Attributes:
        LOG: stdout and stderr to its log. With all others stdin is the pipe `handle.stdin`.
        INHERITED: both to our own.
        RELAYED: both to the pipe `handle.stdout`.
        DIALOG: stdout to that pipe, stderr to the log.
    """

    LOG = auto()
    INHERITED = auto()
    RELAYED = auto()
    DIALOG = auto()


@dataclass(frozen=True, slots=True)
class Launch:
    """What a process is begun with.

    Attributes:
        command: program and arguments.
        environment: added to that of this process.
        orphan_signal: what the child gets when this process dies without ending it.
        output: where its output goes.
        log: its log file.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    orphan_signal: signal.Signals
    output: Output
    log: Path


class Running(Protocol):
    """A process that was begun: what `subprocess.Popen` says of one, as far as it is used here."""

    @property
    def pid(self) -> int:
        """Of the program."""

    @property
    def stdin(self) -> IO[str] | None:
        """The pipe to it, if there is one."""

    @property
    def stdout(self) -> IO[str] | None:
        """The pipe from it, if there is one."""

    @property
    def returncode(self) -> int | None:
        """Its exit code, negative for a signal; None as long as nobody learned of its end."""

    def poll(self) -> int | None:
        """Return the exit code, None if it runs; never blocks."""

    def wait(self, timeout: float | None = None) -> int:
        """Block until it has ended, and return the exit code.

        Raises:
            TimeoutExpired: It still runs after `timeout` seconds.
        """

    def send_signal(self, sig: int) -> None:
        """Send it a signal, unless it has ended."""


Begin = Callable[[Launch], Running]
"""Begins a process."""


def spawned(launch: Launch, stdin: socket.socket | None = None) -> "subprocess.Popen[str]":
    """Begin a process as a program of its own.

    Args:
        launch: what it is begun with.
        stdin: what it finds there instead of a pipe.

    Raises:
        EmbeddedServerError: the program is missing.
    """
    launcher = [sys.executable, "-I", "-S", die_with_parent.__file__]
    arguments = [*launcher, str(os.getpid()), str(int(launch.orphan_signal)), *launch.command]
    return _spawn(functools.partial(_popen, arguments, launch, stdin))


def _popen(
    arguments: list[str], launch: Launch, stdin: socket.socket | None
) -> "subprocess.Popen[str]":
    pipe = subprocess.DEVNULL if launch.output is Output.LOG else subprocess.PIPE
    with launch.log.open("ab") as file:
        stdout, stderr = _streams(launch.output, file)
        return subprocess.Popen(  # noqa: S603  the callers name the programs
            arguments,
            stdin=pipe if stdin is None else stdin.fileno(),
            stdout=stdout,
            stderr=stderr,
            env={**os.environ, **launch.environment},
            text=True,
            start_new_session=True,
        )


def _streams(output: Output, log: IO[bytes]) -> tuple[_Stream, _Stream]:
    """Return stdout and stderr."""
    return {
        Output.LOG: (log, log),
        Output.INHERITED: (None, None),
        Output.RELAYED: (subprocess.PIPE, subprocess.STDOUT),
        Output.DIALOG: (subprocess.PIPE, log),
    }[output]


def _spawn(start: Callable[[], "subprocess.Popen[str]"]) -> "subprocess.Popen[str]":
    """Start a process from the thread that lives as long as this process.

    Linux sends the parent death signal when the *thread* that forked the child ends.
    """
    future: Future[subprocess.Popen[str]] = Future()
    _spawner(os.getpid()).put((start, future))
    return future.result()


@functools.cache
def _spawner(_pid: int) -> "queue.SimpleQueue[_Job]":
    """Queue of the spawning thread; one for each process, since a fork does not copy threads."""
    jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
    threading.Thread(target=_run_jobs, args=[jobs], name="spawner", daemon=True).start()
    return jobs


def _run_jobs(jobs: "queue.SimpleQueue[_Job]") -> None:
    while True:
        start, future = jobs.get()
        try:
            future.set_result(start())
        except OSError as error:
            future.set_exception(error)
