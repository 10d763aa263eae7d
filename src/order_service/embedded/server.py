"""What every embedded server offers, and the start and stop that they share."""

import shutil
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Protocol

from order_service.embedded.child import Part
from order_service.embedded.launching import Output
from order_service.embedded.processes import ChildProcess, EmbeddedServerError, end_leftover

_PROBE_SECONDS = 0.02
# What a server says that comes too early after its predecessor, or lost a race for its port.
_PASSING_FAULTS = ("address already in use", "pre-existing shared memory block is still in use")


class Server(Part, Protocol):
    """A server that listens on loopback and lives no longer than this process.

    Its start blocks until it answers, and does nothing if it runs. It raises `EmbeddedServerError`
    if the server does not answer in time, the text ends with its log's tail then; or if another
    living process runs a server in its folder. A stopped or killed server can be started again, on
    the same port unless another program took it meanwhile.
    """

    @property
    def pid(self) -> int | None:
        """Pid of its main process; None while it does not run."""

    def suspend(self) -> None:
        """Let it hang (SIGSTOP): it accepts connections, answers nothing, and counts as alive."""

    def resume(self) -> None:
        """End the hanging (SIGCONT)."""

    def environment(self) -> dict[str, str]:
        """Its address, as the environment variables of the service; valid after a start."""


class KafkaServer(Server, Protocol):
    """A Kafka broker or cluster."""

    @property
    def bootstrap_servers(self) -> str:
        """`host:port`, several separated by commas; valid after a start."""

    def create_topic(self, name: str, partitions: int = 1) -> None:
        """Create a topic and block until it can be used; it must not exist.

        Raises:
            EmbeddedServerError: the broker refuses or does not answer.
        """


class ServerProcess(ABC):
    """A `Server` that is one process; what differs between servers is in the hooks below."""

    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    orphan_signal: ClassVar[signal.Signals] = signal.SIGKILL
    output: ClassVar[Output] = Output.LOG

    def __init__(self, name: str, folder: Path, start_timeout: float) -> None:
        """`folder` holds all that the server keeps; `start_timeout` is in seconds."""
        self._name = name
        self._folder = folder.absolute()
        self._start_timeout = start_timeout
        self._child: ChildProcess | None = None
        self._cancelled = threading.Event()

    @property
    def name(self) -> str:
        """See `Server`."""
        return self._name

    @property
    def pid(self) -> int | None:
        """See `Server`."""
        child = self._child
        return child.pid if child and child.alive() else None

    def alive(self) -> bool:
        """See `Server`."""
        return self.pid is not None

    def start(self) -> None:
        """See `Server`."""
        if self.alive():
            return
        self._end()
        self._cancelled.clear()
        self._folder.mkdir(parents=True, exist_ok=True)
        end_leftover(self._folder / f"{self.name}.pid")
        self._prepare()
        try:
            self._launch()
            self._complete()
        except BaseException:
            self._end()
            raise

    def stop(self, timeout: float = 10.0) -> None:
        """See `Server`."""
        self._cancelled.set()
        if child := self._child:
            child.stop(self.stop_signal, timeout)

    def kill(self) -> None:
        """See `Server`."""
        self._cancelled.set()
        self._end()

    def suspend(self) -> None:
        """See `Server`."""
        self._running().suspend()

    def resume(self) -> None:
        """See `Server`."""
        self._running().resume()

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """See `Server`."""

    def _prepare(self) -> None:  # noqa: B027  a hook that most servers do not need
        """Make what the first start needs; runs before every start."""

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """Claim the ports and return the command line."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether the server answers a question of its protocol; blocks a second at most."""

    def _complete(self) -> None:  # noqa: B027  a hook that most servers do not need
        """Do what needs a server that answers; runs after every start."""

    def _launch(self) -> None:
        deadline = time.monotonic() + self._start_timeout
        while not self._comes_up(deadline):
            log = self._running().log.tail()
            passing = any(fault in log.lower() for fault in _PASSING_FAULTS)
            if not passing or self._cancelled.is_set() or time.monotonic() > deadline:
                raise EmbeddedServerError(f"{self.name} did not start:\n{log}")

    def _comes_up(self, deadline: float) -> bool:
        self._child = child = self.spawn(self._command())
        while not child.wait(_PROBE_SECONDS):
            if self._answers():
                return True
            if self._cancelled.is_set() or time.monotonic() > deadline:
                child.kill()
        return False

    def spawn(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> ChildProcess:
        """Start `command` as the process of this server."""
        return ChildProcess(
            self.name,
            self._folder,
            command,
            environment=environment,
            orphan_signal=self.orphan_signal,
            output=self.output,
        )

    def _run_tool(self, command: Sequence[str]) -> None:
        """Run a program that prepares the server; `stop` and `kill` end it too."""
        self._child = child = self.spawn(command)
        if not child.wait(self._start_timeout) or child.handle.returncode:
            child.kill()
            raise EmbeddedServerError(f"{Path(command[0]).name} failed:\n{child.log.tail()}")
        child.kill()

    def _running(self) -> ChildProcess:
        if self._child is None:
            raise EmbeddedServerError(f"{self.name} was not started")
        return self._child

    def _end(self) -> None:
        if child := self._child:
            child.kill()


def package_folder(package: str) -> Path:
    """Return the folder of an installed package without importing it.

    Raises:
        EmbeddedServerError: it is not installed.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise EmbeddedServerError(f"the Python package {package} is not installed")
    return Path(spec.origin).parent


def program(name: str) -> str:
    """Return the path of a program of the machine.

    Raises:
        EmbeddedServerError: it is not on the PATH.
    """
    path = shutil.which(name)
    if path is None:
        raise EmbeddedServerError(f"the program {name} is not installed")
    return path
