"""Which children a stack has, what each needs, and which addresses they are given."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from order_service.config import Config
from order_service.embedded.child import Child
from order_service.embedded.console import Console
from order_service.embedded.forking import ForkServer
from order_service.embedded.readiness import HealthProbe, ReadinessStep
from order_service.embedded.restart import RestartLimits, RestartPolicy
from order_service.embedded.server import Server
from order_service.embedded.services import Service, SetupStep
from order_service.embedded.stack_env import FILE_NAME, configured_addresses, write_stack_env
from order_service.embedded.visiting import VisitStep
from order_service.embedded.workload import Program, ShownLine, StackOptions, Turn, Workload

# Below the supervisor's grace, so that a service gives up by itself before it is killed.
_SHUTDOWN_TIMEOUT_S = 5.0

READY = "ready"
"""The step of the start behind which all services are ready."""


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers that the stack starts, as nothing names others.

    `kafka_forgets` says that the broker comes back without data and offsets when it died.
    """

    postgres: Server | None
    redis: Server | None
    kafka: Server | None
    kafka_forgets: bool

    def by_part(self) -> dict[str, Server]:
        """Return those that there are, by the part of the configuration that they stand for."""
        parts = {"postgres": self.postgres, "redis": self.redis, "kafka": self.kafka}
        return {part: server for part, server in parts.items() if server is not None}


class Plan:
    """The children of one stack and the addresses of its parts.

    Addresses change while the stack runs: a broker in memory may come back on another port.

    Args:
        config: All settings.
        workload: What is run beside the servers.
        servers: Those that are started here.
        options: How the stack is run.
        console: What people see.
        forks: Begins the programs, from its start on; None where each has to be spawned.
    """

    def __init__(  # noqa: PLR0913 - what a stack is made of
        self,
        config: Config,
        workload: Workload,
        servers: Servers,
        options: StackOptions,
        console: Console,
        *,
        forks: ForkServer | None = None,
    ) -> None:
        self._config = config
        self._workload = workload
        self._servers = servers
        self._parts = {server.name: part for part, server in servers.by_part().items()}
        self._data_dir = options.data_dir.resolve()
        self._environ = options.environ
        self._console = console
        self._forks = forks
        self._known: dict[str, dict[str, str]] = {}
        self._made: dict[str, Service] = {}
        self._visit = VisitStep(workload.visit) if workload.visit is not None else None

    def children(self) -> list[Child]:
        """Return all children, in the order in which they are started if nothing blocks."""
        return [
            *self._foundation(),
            *self._steps(),
            *self._services(),
            *self._visits(),
            *self._demos(),
        ]

    def load_ahead(self) -> None:
        """Have those programs loaded that are wanted first, while the servers come up.

        Raises:
            EmbeddedServerError: a folder belongs to a living process.
            OSError: a process cannot be made.
        """
        for program in [*self._workload.steps, *self._services_of(Turn.ANSWERING)]:
            self._made[program.name].load()

    @property
    def last_step(self) -> str:
        """The step of the start behind which there is something to see."""
        return READY if self._visit is None else self._visit.name

    @property
    def shown(self) -> Sequence[ShownLine]:
        """What the visit says that there is to see; nothing before it is made."""
        return () if self._visit is None else self._visit.lines

    def _foundation(self) -> Iterator[Child]:
        for server in self._servers.by_part().values():
            yield Child(server, _policy(), foundation=True)

    def _steps(self) -> Iterator[Child]:
        before: tuple[str, ...] = ()
        for program in self._workload.steps:
            after = (*self._servers_of(program), *before)
            yield Child(self._started(program, SetupStep), _policy(), after=after, once=True)
            before = (program.name,)

    def _services(self) -> Iterator[Child]:
        # Not all servers are what each waits for, but stack.env: who sees one up may read it.
        after = [*self._parts, *(step.name for step in self._workload.steps)]
        for turn in Turn:
            programs = self._services_of(turn)
            for program in programs:
                service = self._started(program, Service)
                yield Child(service, _policy(), after=after, bound_to=self._bound_to(program))
            yield self._readiness(turn.name.lower(), programs)
            after = [*after, turn.name.lower()]
        yield self._readiness(READY, self._workload.services)

    def _services_of(self, turn: Turn) -> list[Program]:
        return [program for program in self._workload.services if program.turn is turn]

    def _readiness(self, name: str, programs: Sequence[Program]) -> Child:
        probes = [HealthProbe(each.name, each.endpoint) for each in programs if each.endpoint]
        step = ReadinessStep(name, probes, self._console.say)
        return Child(step, _policy(), after=[each.name for each in programs], once=True)

    def _visits(self) -> Iterator[Child]:
        if self._visit is not None:
            yield Child(self._visit, _policy(), after=[READY], once=True)

    def _demos(self) -> Iterator[Child]:
        for program in self._workload.demos:
            demo = self._started(program, Service)
            yield Child(demo, _policy(), after=[self.last_step])

    def _servers_of(self, program: Program) -> list[str]:
        return [server for server, part in self._parts.items() if part in program.needs]

    def _bound_to(self, program: Program) -> str:
        kafka = self._servers.kafka
        forgets = program.keeps_offsets and self._servers.kafka_forgets
        return kafka.name if kafka is not None and forgets else ""

    def _started(self, program: Program, kind: type[Service]) -> Service:
        def environment() -> Mapping[str, str]:
            return self._shared_environment() | program.environment

        folder = services_folder(self._data_dir)
        self._made[program.name] = kind(program, folder, environment, self._console, self._forks)
        return self._made[program.name]

    def came_up(self, name: str) -> list[str]:
        """Take over the addresses of what came up; return the names that must be replaced."""
        part = self._parts.get(name)
        if part is None:
            return []
        before = self._known.get(name)
        self._known[name] = self._servers.by_part()[part].environment()
        self.publish()
        moved = before is not None and before != self._known[name]
        return self._users_of(part) if moved else []

    def _users_of(self, part: str) -> list[str]:
        staying: Sequence[Program] = [*self._workload.services, *self._workload.demos]
        return [program.name for program in staying if part in program.needs]

    def publish(self) -> None:
        """Write stack.env as soon as, and whenever, the addresses of all parts are known."""
        if self._known.keys() == self._parts.keys():
            write_stack_env(self._data_dir / FILE_NAME, self.addresses())

    def withdraw(self) -> None:
        """Remove stack.env, so that nobody takes old addresses for those of a running stack."""
        (self._data_dir / FILE_NAME).unlink(missing_ok=True)

    def addresses(self) -> dict[str, str]:
        """Return the variables of all parts whose addresses are known now.

        Where several programs take one variable, it tells the address of the first.
        """
        values = {**configured_addresses(self._config), **self._workload.settings}
        for program in reversed(self._workload.services):
            values |= program.environment
        for environment in self._known.values():
            values |= environment
        return values | {"ORDER_SERVICE_DATA_DIR": str(self._data_dir)}

    def _shared_environment(self) -> dict[str, str]:
        config = self._config
        settings = {
            "HTTP_SHUTDOWN_TIMEOUT": str(min(config.http.shutdown_timeout, _SHUTDOWN_TIMEOUT_S)),
        }
        if config.file is not None:
            settings["ORDER_SERVICE_CONFIG"] = str(config.file.resolve())
        if config.log.format == "auto":
            settings["LOG_FORMAT"] = "console"
        return {**self._environ, **self.addresses(), **settings}


def services_folder(data_dir: Path) -> Path:
    """Return where the pid files of the services lie."""
    return data_dir / "services"


def _policy() -> RestartPolicy:
    return RestartPolicy(RestartLimits(), random.random)
