"""Which children a stack has, what each needs, and which addresses they are given."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from order_service.config import Config
from order_service.embedded.child import Child, Part
from order_service.embedded.console import Console
from order_service.embedded.readiness import Probe, Readiness
from order_service.embedded.restart import RestartLimits, RestartPolicy
from order_service.embedded.services import Service, Step
from order_service.embedded.stack_env import FILE_NAME, configured_addresses, write_stack_env

# Below the supervisor's grace, so that a service gives up by itself before it is killed.
_SHUTDOWN_TIMEOUT_S = 5.0
_ANY_HOST = ("", "0.0.0.0", "::", "localhost")  # noqa: S104  compared with, not bound to


class Server(Part, Protocol):
    """A server that the stack brings along."""

    def environment(self) -> dict[str, str]:
        """Variables that say where it is; known once it is up."""


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers that the stack starts, as nothing names others.

    `kafka_forgets` says that the broker comes back without data and offsets when it died.
    """

    postgres: Server | None
    redis: Server | None
    kafka: Server | None
    kafka_forgets: bool

    def named(self) -> dict[str, Server]:
        """Return those that there are, by their names."""
        return {s.name: s for s in (self.postgres, self.redis, self.kafka) if s is not None}

    def lookup(self) -> list[str]:
        """Return the names of those that a lookup needs."""
        return [server.name for server in (self.postgres, self.redis) if server is not None]


@dataclass(frozen=True, slots=True)
class Demo:
    """Sample orders: how many a second."""

    rate: float


class Plan:
    """The children of one stack and the addresses of its parts.

    Addresses change while the stack runs: a broker in memory may come back on another port.
    """

    def __init__(
        self,
        config: Config,
        servers: Servers,
        data_dir: Path,
        environ: Mapping[str, str],
        console: Console,
    ) -> None:
        self._config = config
        self._servers = servers
        self._data_dir = data_dir
        self._environ = environ
        self._console = console
        self._known: dict[str, dict[str, str]] = {}

    def children(self, demo: Demo | None, readiness: Readiness) -> list[Child]:
        """Return all children, in the order in which they are started if nothing blocks."""
        return [*self._foundation(), *self._services(readiness), *self._demo(demo)]

    def readiness(self) -> Readiness:
        """Return the step that ends when API and consumer are ready."""
        http, metrics = self._config.http, self._config.metrics
        probes = [Probe("api", reachable(http.host), http.port)]
        if metrics.consumer_port:
            host = reachable(metrics.consumer_host)
            probes.append(Probe("consumer", host, metrics.consumer_port))
        return Readiness(probes, self._console.say)

    def _foundation(self) -> list[Child]:
        servers = self._servers.named().values()
        return [Child(server, _policy(), foundation=True) for server in servers]

    def _services(self, readiness: Readiness) -> list[Child]:
        everything = self._servers.named()
        postgres = [self._servers.postgres.name] if self._servers.postgres else []
        migrate = self._step("migrate", "order_service", "migrate", "up")
        consumer = self._service("consumer", "order_service", "consume")
        api = self._service("api", "order_service", "api")
        return [
            Child(migrate, _policy(), after=postgres, once=True),
            # Not the broker is what it waits for, but stack.env: who sees the API up may read it.
            Child(api, _policy(), after=[*everything, "migrate"]),
            Child(consumer, _policy(), after=[*everything, "migrate"], bound_to=self._fate()),
            Child(readiness, _policy(), after=["api", "consumer"], once=True),
        ]

    def _fate(self) -> str:
        """Name the child that takes the consumer with it.

        A consumer that goes on, at its old positions, with a broker that has begun anew would skip
        what is there now.
        """
        kafka = self._servers.kafka
        return kafka.name if kafka is not None and self._servers.kafka_forgets else ""

    def _demo(self, demo: Demo | None) -> list[Child]:
        if demo is None:
            return []
        command = ("producer", "--count", "0", "--rate", f"{demo.rate:g}")
        return [Child(self._service("demo", *command), _policy(), after=["ready"])]

    def _service(self, name: str, *command: str) -> Service:
        return Service(name, command, self._folder, self._child_environment, self._console)

    def _step(self, name: str, *command: str) -> Step:
        return Step(name, command, self._folder, self._child_environment, self._console)

    @property
    def _folder(self) -> Path:
        return services_folder(self._data_dir)

    def came_up(self, name: str) -> list[str]:
        """Take over the addresses of what came up; return the names that must be replaced."""
        server = self._servers.named().get(name)
        if server is None:
            return []
        before, self._known[name] = self._known.get(name), server.environment()
        self.publish()
        moved = before is not None and before != self._known[name]
        return self._users(name) if moved else []

    def _users(self, server: str) -> list[str]:
        users = ["consumer", "demo"]
        return users if server not in self._servers.lookup() else ["api", *users]

    def publish(self) -> None:
        """Write stack.env as soon as, and whenever, the addresses of all parts are known."""
        if self._known.keys() == self._servers.named().keys():
            write_stack_env(self._data_dir / FILE_NAME, self.addresses())

    def withdraw(self) -> None:
        """Remove stack.env, so that nobody takes old addresses for those of a running stack."""
        (self._data_dir / FILE_NAME).unlink(missing_ok=True)

    def addresses(self) -> dict[str, str]:
        """Return the variables of all parts whose addresses are known now."""
        values = configured_addresses(self._config)
        for environment in self._known.values():
            values |= environment
        return values | {"ORDER_SERVICE_DATA_DIR": str(self._data_dir)}

    def _child_environment(self) -> dict[str, str]:
        config = self._config
        settings = {
            "HTTP_SHUTDOWN_TIMEOUT": str(min(config.http.shutdown_timeout, _SHUTDOWN_TIMEOUT_S)),
            "KAFKA_SHUTDOWN_TIMEOUT": str(min(config.kafka.shutdown_timeout, _SHUTDOWN_TIMEOUT_S)),
        }
        if config.file is not None:
            settings["ORDER_SERVICE_CONFIG"] = str(config.file.resolve())
        if self._console.terminal and config.log.format == "auto":
            settings["LOG_FORMAT"] = "console"
        return {**self._environ, **self.addresses(), **settings}


def services_folder(data_dir: Path) -> Path:
    """Return where the pid files of the services lie."""
    return data_dir / "services"


def reachable(host: str) -> str:
    """Return a host to connect to for a host that is listened on."""
    return "127.0.0.1" if host in _ANY_HOST else host


def _policy() -> RestartPolicy:
    return RestartPolicy(RestartLimits(), random.random)
