"""What a stack runs beside its servers, as whoever starts it describes it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

_ANY_HOST = ("", "0.0.0.0", "::", "localhost")  # noqa: S104  compared with, not bound to


class Endpoint(NamedTuple):
    """Where a program serves HTTP, its readiness at `/health/ready` included.

    Attributes:
        host: what it listens on.
        port: TCP port.
        variable: the environment variable that tells the program this port.
        fixed: it must be this port; otherwise a free one takes its place if it is taken.
        pages: what a person may want to open, label to path.
    """

    host: str
    port: int
    variable: str
    fixed: bool = True
    pages: Mapping[str, str] = {}

    @property
    def connect_host(self) -> str:
        """The host to connect to."""
        return "127.0.0.1" if self.host in _ANY_HOST else self.host

    @property
    def url(self) -> str:
        """The base of its URLs, for a browser on this machine."""
        host = "localhost" if self.host in _ANY_HOST or self.host == "127.0.0.1" else self.host
        return f"http://{host}:{self.port}"


class ShownLine(NamedTuple):
    """A line of the banner that says what there is to see.

    Attributes:
        label: At most nine characters.
        text: Behind it.
    """

    label: str
    text: str


Visit = Callable[[Callable[[], bool]], Sequence[ShownLine]]
"""Uses the services as a person would; given whether to give up. It blocks and does not raise."""


class Turn(IntEnum):
    """Services of one turn start together, those of the next once they are ready.

    The cores are theirs until then. Those of the first load while the servers come up.
    """

    ANSWERING = 0
    CONSUMING = 1
    FOLLOWING = 2


@dataclass(frozen=True, slots=True)
class Program:
    """A Python module that the stack runs as a process.

    Attributes:
        name: of the process in the output, in logs and of its pid file; unique in a stack.
        command: the module and its arguments.
        modules: what it imports, whatever its settings. None is named if that takes no time, or if
            they must not be loaded before the program has begun.
        needs: of ``postgres``, ``redis`` and ``kafka`` those that it connects to. It is started
            again when one of them has moved to another address.
        endpoint: where it serves HTTP; None if it does not.
        settings: variables that are for this program alone.
        keeps_offsets: it remembers positions in Kafka's topics, so it ends with a broker that
            forgets them: at its old positions it would skip what the next broker has.
        turn: when it starts, if it is a service.
    """

    name: str
    command: Sequence[str]
    modules: Sequence[str] = field(default=(), kw_only=True)
    needs: Sequence[str] = ()
    endpoint: Endpoint | None = None
    keeps_offsets: bool = False
    turn: Turn = Turn.ANSWERING
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that are for this program alone, the port of its endpoint among them."""
        port = {self.endpoint.variable: str(self.endpoint.port)} if self.endpoint else {}
        return {**self.settings, **port}


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """All programs of a stack, and what they share.

    Attributes:
        steps: must end well, one after another, before a service starts.
        services: run until the stack is stopped.
        visit: is made once the services are ready; the banner waits for it. None for no visit.
        demos: run as services do, once those are ready and the visit is made.
        topics: Kafka topics that a broker of the stack has from the start, to their partitions.
        settings: variables for the programs, and for others through stack.env.
        hints: lines of the banner that say what to do next.
    """

    steps: Sequence[Program] = ()
    services: Sequence[Program] = ()
    visit: Visit | None = None
    demos: Sequence[Program] = ()
    topics: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    hints: Sequence[str] = ()

    @property
    def programs(self) -> tuple[Program, ...]:
        """All of them, in the order in which they start."""
        return (*self.steps, *self.services, *self.demos)

    @property
    def names(self) -> tuple[str, ...]:
        """Those of all programs."""
        return tuple(program.name for program in self.programs)

    def endpoints(self) -> Iterable[tuple[str, Endpoint]]:
        """Yield the services that serve HTTP, by name."""
        for program in self.services:
            if program.endpoint is not None:
                yield program.name, program.endpoint


@dataclass(frozen=True, slots=True)
class StackOptions:
    """How to run the stack, beside its configuration.

    Attributes:
        data_dir: where the embedded servers keep their data and `stack.env` is written.
        apache_kafka: embed a durable Apache Kafka rather than the broker in memory.
        environ: the environment of the children, before addresses are added.
    """

    data_dir: Path
    apache_kafka: bool
    environ: Mapping[str, str]
