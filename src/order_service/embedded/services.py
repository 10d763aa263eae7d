"""The commands of this very package as supervised children: consumer, API, migration, demo.

Their modules are loaded while the servers come up: by the fork server, or where there is none by a
process of each program that was begun early and waits.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from io import TextIOWrapper
from pathlib import Path

from order_service.embedded import loaded_ahead
from order_service.embedded.console import Console
from order_service.embedded.forking import ForkServer, NoForkError
from order_service.embedded.launching import Begin, Output, spawned
from order_service.embedded.processes import ChildProcess, end_leftover
from order_service.embedded.workload import Program

Environment = Callable[[], Mapping[str, str]]


class CommandFailedError(Exception):
    """A command that should have ended well did not."""


class Service:
    """One command that runs until it is stopped; `start` does not wait until it is ready.

    `environment` is asked at each start, so that a restart sees the newest addresses.
    """

    def __init__(
        self,
        program: Program,
        folder: Path,
        environment: Environment,
        console: Console,
        forks: ForkServer | None = None,
    ) -> None:
        self.name = program.name
        self._program = program
        self._folder = folder
        self._environment = environment
        self._console = console
        self._forks = forks if program.modules else None
        self._process: ChildProcess | None = None
        self._waits = False

    def load(self) -> None:
        """Have the modules loaded that it needs, ahead of `start`; does not block.

        Raises:
            EmbeddedServerError: its folder belongs to a living process.
            OSError: a process or its files cannot be made.
        """
        if self._forks is None:
            self._begin_waiting()
            return
        with suppress(NoForkError):  # `start` finds it out
            self._forks.load(self._program.modules)

    def start(self) -> None:
        """Let the process work, which begins now if none waits.

        Raises:
            EmbeddedServerError: its folder belongs to a living process.
            OSError: the process or its files cannot be made.
        """
        if self._forks is not None:
            with suppress(NoForkError):
                return self._begin_forked(self._forks)
        if not (self._waits and self.alive()):
            self._begin_waiting()
        self._waits = False
        if self._process is not None:
            self._process.tell(json.dumps(dict(self._environment())))
        return None

    def _begin_forked(self, forks: ForkServer) -> None:
        begin = partial(forks.fork, self._program.modules)
        self._begin(self._program.command, begin, self._environment())

    def _begin_waiting(self) -> None:
        launcher = [sys.executable, "-m", loaded_ahead.__name__, ",".join(self._program.modules)]
        self._begin([*launcher, *self._program.command], spawned)
        self._waits = True

    def _begin(
        self, command: Sequence[str], begin: Begin, environment: Mapping[str, str] | None = None
    ) -> None:
        self._end_orphans()
        self._process = ChildProcess(
            self.name,
            self._folder,
            command,
            environment=environment,
            # What is left alone shall still finish its batch and leave its group.
            orphan_signal=signal.SIGTERM,
            output=Output.RELAYED if self._console.terminal else Output.INHERITED,
            begin=begin,
        )
        if isinstance(pipe := self._process.handle.stdout, TextIOWrapper):
            self._console.relay(self.name, pipe.buffer)

    def wait(self) -> int:
        """Block until the process ends; its exit code, negative for a signal."""
        return self._process.handle.wait() if self._process else 0

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
