"""What a context is, as the machinery sees it.

A definition is read by every command, so it must be cheap: what it names is imported when it is
called.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import click

from order_service.config import (
    Config,
    ConfigError,
    Examination,
    Fault,
    Section,
    examine_config,
)
from order_service.http.access import METRICS_READ, Scope
from order_service.infra.kafka.topic import Topic

if TYPE_CHECKING:
    import psycopg

    from order_service.http.health import Check
    from order_service.infra.diagnosis.finding import Finding
    from order_service.messaging.dead_letters import DeadLetterTopic

    from .claims import ClaimsReader
    from .demo import DemoVisit
    from .process import Process
    from .topic_comparison import TopicComparison


class Work(Protocol):
    """What one worker process does."""

    @property
    def checks(self) -> Sequence["Check"]:
        """What tells whether it does it."""

    def run(self) -> None:
        """Do it until the process is stopping.

        Raises:
            StoppedError: The process is stopping before the work could begin.
            OSError: It cannot begin at all.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """A process beside the API, started by `order-service work NAME`.

    Attributes:
        name: Unique among all contexts: it begins with the name of its own.
        about: The help of its command: what it does in a sentence, then what else matters.
        alias: Another name, as a command of its own; empty if there is none.
        needs: Parts of the configuration that must name an address: ``postgres``, ``redis``,
            ``kafka``.
        open: Wires it. What must be closed is given to the process.
        consumes: Whether it remembers positions in Kafka's topics.
        ports: Settings that name TCP ports on which it listens beside metrics and health.
        waits: Whether it may start after the others where all share one machine, as nobody waits
            for its work in the first seconds.
    """

    name: str
    about: str
    needs: tuple[str, ...]
    open: Callable[["Process"], Work]
    alias: str = ""
    consumes: bool = False
    ports: tuple[str, ...] = ()
    waits: bool = True


class Demo(NamedTuple):
    """A program that makes samples, for `run --demo`.

    Attributes:
        name: Of the process.
        command: Given the samples a second, returns the Python module and its arguments.
        needs: As for a worker.
    """

    name: str
    command: Callable[[float], Sequence[str]]
    needs: tuple[str, ...]


def _none(*_: object) -> tuple[()]:
    return ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """One business: all that the machinery has to know of it.

    Attributes:
        name: Of its folder here and in migrations/, and of its schema in Postgres.
        section: Its section of config.yml; None if it has no settings.
        api: Module whose `open_api` takes the process, wires what this adds to the API and returns
            the `ApiPart`; empty if it adds nothing.
        api_needs: Parts of the configuration that this needs, as for a worker.
        scopes: What a credential may admit to here, by name.
        workers: Its processes beside the API.
        commands: Returns its commands; they find the contexts by `commands.pass_contexts`.
        topics: The Kafka topics that it uses.
        dead_letters: Where its messages go that can never be handled; None if it has none.
        rights: What the service's role must be allowed: ``schema.table`` to privileges.
        ledger: Whether its schema has the tables of a ledger; `ledger check` recomputes these.
        cache_prefixes: What the names of its keys in Redis begin with.
        checks: Asked by `doctor`, over a connection as the service's role.
        masked_keys: Keys of log events whose values tell of persons.
        shared_settings: Keys of its section that programs beside the service must know, such as
            the producer: `run` tells them in stack.env.
        claims: What it says of things that other contexts keep books about, too, by the name that
            all of them give to these things; `reconcile` compares it.
        topic_comparison: Wires what compares its topic with its tables, and needs Postgres, Kafka
            and, for repairs, Redis; `reconcile --topic` asks it. None if nothing does.
        demos: What makes samples for `run --demo`.
        visit: Its part of what `run --demo` does once for a person, over the API. The parts are
            done in the order of the contexts; each must be safe to do again.
        hints: What the banner of `run` says that one may do next, a line each; ``{python}`` stands
            for the interpreter.
    """

    name: str
    section: Section | None = None
    api: str = ""
    api_needs: tuple[str, ...] = ()
    scopes: Mapping[str, Scope] = field(default_factory=dict)
    workers: Sequence[Worker] = ()
    commands: Callable[[], Sequence[click.Command]] = _none
    topics: Callable[[Config], Sequence[Topic]] = _none
    dead_letters: "Callable[[Config], DeadLetterTopic] | None" = None
    rights: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ledger: bool = False
    cache_prefixes: tuple[str, ...] = ()
    checks: "Callable[[Config, psycopg.Connection[Any]], Iterable[Finding]]" = _none
    masked_keys: frozenset[str] = frozenset()
    shared_settings: tuple[str, ...] = ()
    claims: "Mapping[str, ClaimsReader]" = field(default_factory=dict)
    topic_comparison: "Callable[[Process], TopicComparison] | None" = None
    demos: tuple[Demo, ...] = ()
    visit: "Callable[[DemoVisit], None] | None" = None
    hints: tuple[str, ...] = ()


class Contexts:
    """The contexts that are installed, in the order in which they are migrated and shown.

    Args:
        installed: All of them; no name twice.
    """

    def __init__(self, installed: Sequence[Context]) -> None:
        self.installed = tuple(installed)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The sections of config.yml."""
        return tuple(each.section for each in self.installed if each.section)

    @cached_property
    def scopes(self) -> dict[str, Scope]:
        """What a credential may admit to, by name."""
        own = {METRICS_READ: Scope("read the metrics", admins=True)}
        return own | {name: scope for each in self.installed for name, scope in each.scopes.items()}

    def examine_config(
        self, path: Path | None = None, environ: Mapping[str, str] | None = None
    ) -> Examination:
        """Return the configuration of this process, or all that is wrong with it.

        See :func:`config.examine_config`; a context that does not exist is a fault, too.
        """
        found = examine_config(self.sections, path, environ)
        known = [each.name for each in self.installed]
        named = found.config.contexts.names if found.config else ()
        if unknown := [name for name in named if name not in known]:
            problem = f"there is no {', '.join(unknown)}; there are {', '.join(known)}"
            fault = Fault("contexts.enabled", problem, found.origins["contexts.enabled"])
            return found._replace(config=None, faults=(fault,))
        return found

    def load_config(
        self, path: Path | None = None, environ: Mapping[str, str] | None = None
    ) -> Config:
        """Return the configuration of this process.

        Raises:
            ConfigError: With every fault of every source.
        """
        found = self.examine_config(path, environ)
        if found.config is None:
            raise ConfigError(found.faults)
        return found.config

    def enabled(self, config: Config) -> tuple[Context, ...]:
        """Return those that the configuration turns on."""
        names = config.contexts.names
        return tuple(each for each in self.installed if not names or each.name in names)

    def workers(self, config: Config) -> tuple[Worker, ...]:
        """Return the workers of those that are on."""
        return tuple(worker for each in self.enabled(config) for worker in each.workers)

    def api_needs(self, config: Config) -> tuple[str, ...]:
        """Return the parts of the configuration that must name an address for the API."""
        return tuple(sorted({part for each in self.enabled(config) for part in each.api_needs}))

    def configured(self, *parts: str) -> Config:
        """Return the configuration, logging set up; the addresses of `parts` must be named.

        Raises:
            ConfigError: It has faults, or an address is not set.
        """
        config = self.load_config()
        self.set_up(config, *parts)
        return config

    def set_up(self, config: Config, *parts: str) -> None:
        """Set up logging as `config` says; the addresses of `parts` must be named.

        Raises:
            ConfigError: One is not.
        """
        from order_service.infra.logging import configure_logging, get_logger  # noqa: PLC0415 - slow

        config.require(*parts)
        masked = frozenset().union(*(each.masked_keys for each in self.installed))
        configure_logging(config.log.level, config.log.format, masked_keys=masked)
        for warning in config.warnings:
            get_logger(__name__).warning(warning)
