"""The commands of this very package as supervised children: consumer, API, migration, demo."""

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path

from order_service.embedded.console import Console
from order_service.embedded.processes import ChildProcess, Output, end_leftover

Environment = Callable[[], Mapping[str, str]]


class CommandFailedError(Exception):
    """A command that should have ended well did not."""


class Service:
    """One command that runs until it is stopped; `start` does not wait until it is ready.

    `environment` is asked at each start, so that a restart sees the newest addresses.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        environment: Environment,
        console: Console,
    ) -> None:
        self.name = name
        self._command = [sys.executable, "-m", *command]
        self._folder = folder
        self._environment = environment
        self._console = console
        self._process: ChildProcess | None = None

    def start(self) -> None:
        """Begin the process.

        Raises:
            EmbeddedServerError: its folder belongs to a living process.
            OSError: the process or its files cannot be made.
        """
        self._end_orphans()
        self._process = ChildProcess(
            self.name,
            self._folder,
            self._command,
            environment=self._environment(),
            # What is left alone shall still finish its batch and leave its group.
            orphan_signal=signal.SIGTERM,
            output=Output.RELAYED if self._console.terminal else Output.INHERITED,
        )
        if isinstance(pipe := self._process.popen.stdout, TextIOWrapper):
            self._console.relay(self.name, pipe.buffer)

    def wait(self) -> int:
        """Block until the process ends; its exit code, negative for a signal."""
        return self._process.popen.wait() if self._process else 0

    def stop(self, timeout: float = 10.0) -> None:
        """Ask the process to end, and end it and its workers by force after `timeout` seconds."""
        if self._process is not None:
            self._process.stop(signal.SIGTERM, timeout)
            self._end_orphans()

    def kill(self) -> None:
        """End the process and its workers at once."""
        if self._process is not None:
            self._process.kill()
            self._end_orphans()

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.alive()

    def _end_orphans(self) -> None:
        """End what a server that was killed left behind: its workers would keep its port."""
        if self._process is not None and not self._process.alive():
            # The group still bears the id of its dead leader, as it has a session of its own.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)


class SetupStep(Service):
    """A command that must end well before others may start."""

    def start(self) -> None:
        """Block until the command has ended.

        Raises:
            CommandFailedError: it did not end with exit code 0.
        """
        super().start()
        if (code := self.wait()) != 0:
            raise CommandFailedError(f"exit code {code}: see its messages above")


def end_leftovers(folder: Path) -> None:
    """End the services that a stack which was killed left behind."""
    folder.mkdir(parents=True, exist_ok=True)
    for pid_file in folder.glob("*.pid"):
        end_leftover(pid_file)
