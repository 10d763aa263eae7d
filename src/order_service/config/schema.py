"""All keys that a configuration can have: those of the machinery, and those of the contexts."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec
from msgspec import Struct, structs

from . import model, rules
from .keys import Key
from .model import Config
from .section import Section, ignored

MACHINERY = (
    Section("contexts", model.ContextsSettings),
    Section(
        "http",
        model.HttpSettings,
        rules.of_http,
        retired=ignored("http.backlog", "http.max_header_bytes", "http.auth_refresh"),
    ),
    Section(
        "postgres",
        model.PostgresSettings,
        rules.of_postgres,
        retired=ignored(
            "postgres.read_timeout",
            "postgres.connect_timeout",
            "postgres.lock_timeout",
            "postgres.pool.min_size",
            "postgres.pool.max_size",
            "postgres.pool.timeout",
        )
        | {"postgres.read_port": "postgres.read_host takes it, as host:port"},
    ),
    Section(
        "redis",
        model.RedisSettings,
        rules.of_redis,
        retired=ignored("redis.max_connections", "redis.circuit_open"),
    ),
    Section(
        "kafka",
        model.KafkaSettings,
        rules.of_kafka,
        retired=ignored(
            "kafka.max_poll_interval", "kafka.shutdown_timeout", "kafka.fetch_age_limit"
        ),
    ),
    Section("schema_registry", model.SchemaRegistrySettings, rules.of_schema_registry),
    Section(
        "metrics",
        model.MetricsSettings,
        renamed={"metrics.consumer_port": "worker_port"},
        retired=ignored("metrics.consumer_host"),
    ),
    Section("log", model.LogSettings),
    Section(
        "tracing",
        model.TracingSettings,
        rules.of_tracing,
        retired=ignored("tracing.service_name"),
    ),
)
"""The sections that every process has, in their order in config.yml."""

_OWN = frozenset(section.name for section in MACHINERY)


class Schema:
    """The sections of one program, and their keys in the order of their definition.

    Args:
        contexts: The sections of the contexts that are installed.

    Raises:
        ValueError: A section's name is taken, or two keys share an environment variable.
    """

    def __init__(self, contexts: Sequence[Section]) -> None:
        self.sections = (*MACHINERY, *contexts)
        names = [section.name for section in self.sections]
        if len(set(names)) < len(names):
            raise ValueError(f"a section of config.yml is defined twice: {names}")
        if len(self.by_variable) < len(self.keys):
            raise ValueError("two keys share an environment variable")

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """Every key."""
        return tuple(
            key for section in self.sections for key in _keys_of(section.settings, (section.name,))
        )

    @cached_property
    def by_path(self) -> Mapping[tuple[str, ...], Key]:
        """The keys by their paths."""
        return {key.path: key for key in self.keys}

    @cached_property
    def by_variable(self) -> Mapping[str, Key]:
        """The keys by the environment variables that override them."""
        return {key.variable: key for key in self.keys}

    @cached_property
    def groups(self) -> frozenset[tuple[str, ...]]:
        """The paths that keys of today and of earlier versions stand below, the empty one too."""
        paths = (*self.by_path, *self.renamed, *self.retired)
        return frozenset(path[:depth] for path in paths for depth in range(len(path))) | {
            (section.name,) for section in self.sections
        }

    @cached_property
    def renamed(self) -> Mapping[tuple[str, ...], Key]:
        """The keys by the paths at which earlier versions had them."""
        return {
            tuple(old.split(".")): self.by_path[section.name, *new.split(".")]
            for section in self.sections
            for old, new in section.renamed.items()
        }

    @cached_property
    def retired(self) -> Mapping[tuple[str, ...], str]:
        """What became of keys that earlier versions had, by their paths."""
        return {
            tuple(path.split(".")): became
            for section in self.sections
            for path, became in section.retired.items()
        }

    def build(self, values: Mapping[str, object], **origin: Any) -> Config:  # noqa: ANN401
        """Return the configuration that has these values, by dotted path, each of its type.

        Args:
            values: What differs from the defaults.
            origin: `file` and `warnings` of :class:`model.Config`.
        """
        tree = _nested(values)
        settings: dict[str, Struct] = {
            section.name: msgspec.convert(
                tree.get(section.name, {}), section.settings, dec_hook=_as_it_is
            )
            for section in self.sections
        }
        own = {name: each for name, each in settings.items() if name not in _OWN}
        machinery = {name: each for name, each in settings.items() if name in _OWN}
        return Config(**machinery, own=own, **origin)  # type: ignore[arg-type]

    def contradictions(self, config: Config) -> Iterator[tuple[str, str]]:
        """Yield the path of each setting that contradicts another one, and the reason."""
        settings = settings_of(config)
        for section in self.sections:
            yield from section.rules(settings[section.name])


def settings_of(config: Config) -> dict[str, Struct]:
    """Return the settings by the names of their sections, in their order."""
    return {name: getattr(config, name) for name in structs.asdict(config) if name in _OWN} | dict(
        config.own
    )


def _keys_of(section: type[Struct], above: tuple[str, ...]) -> Iterator[Key]:
    for field in structs.fields(section):
        path = (*above, field.name)
        if isinstance(field.type, type) and issubclass(field.type, Struct):
            yield from _keys_of(field.type, path)
        else:
            yield Key(path, field.type, field.default)


def _nested(values: Mapping[str, object]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for dotted, value in values.items():
        *above, name = dotted.split(".")
        section = tree
        for part in above:
            section = section.setdefault(part, {})
        section[name] = value
    return tree


def _as_it_is(_kind: type, value: object) -> object:
    return value
