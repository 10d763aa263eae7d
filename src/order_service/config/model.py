"""The settings of the machinery: every key, its type, its range and its default.

What a context can be told stands in its own folder. config.yml says of each key what it is for and
in which unit; a test proves that the two agree.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from msgspec import Meta, Struct

from .errors import ConfigError, Fault
from .secret import Secret, SecretUrl

Port = Annotated[int, Meta(ge=1, le=65535)]
PortOrOff = Annotated[int, Meta(ge=0, le=65535)]
Addresses = Annotated[str, Meta(pattern=r"^([^\s,]+:\d{1,5}(,[^\s,]+:\d{1,5})*)?$")]
Count = Annotated[int, Meta(ge=1)]
CountOrOff = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(gt=0, le=86400)]
Share = Annotated[float, Meta(ge=0, le=1)]
Name = Annotated[str, Meta(min_length=1, max_length=255)]
TopicName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
OtlpUrl = Annotated[str, Meta(pattern=r"^(https?://[^\s@/]+[^\s@]*)?$")]
RegistryUrl = Annotated[str, Meta(pattern=r"^((https?|mock)://[^\s@]+)?$")]
BrokerVersion = Annotated[str, Meta(pattern=r"^(\d+(\.\d+){1,2})?$")]
SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
Auth = Literal["none", "api_key", "token", "api_key,token"]
LogLevel = Literal["debug", "info", "warning", "error", "critical"]
LogFormat = Literal["auto", "console", "json"]

S = TypeVar("S", bound=Struct)


def items_of(text: str) -> tuple[str, ...]:
    """Return the items of a list that is written with commas."""
    return tuple(item.strip() for item in text.split(",") if item.strip())


class RetrySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Capped exponential backoff with full jitter."""

    attempts: Count = 5
    base_delay: Seconds = 0.1
    max_delay: Seconds = 10.0


class ContextsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Which contexts this process serves."""

    enabled: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The items of `enabled`; none means all."""
        return items_of(self.enabled)


class HttpSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The API server."""

    host: Name = "127.0.0.1"
    port: Port = 8080
    workers: Annotated[int, Meta(ge=1, le=256)] = 1
    threads: Annotated[int, Meta(ge=1, le=1024)] = 12
    shutdown_timeout: Seconds = 10.0
    auth: Auth = "none"
    cors_origins: str = ""
    rate_limit: Annotated[float, Meta(ge=0, le=1_000_000)] = 0.0
    trusted_proxies: str = ""

    @property
    def credentials(self) -> frozenset[str]:
        """The kinds of credentials that `auth` takes; none means that nobody needs one."""
        return frozenset(items_of(self.auth)) - {"none"}

    @property
    def origins(self) -> tuple[str, ...]:
        """The items of `cors_origins`."""
        return items_of(self.cors_origins)

    @property
    def proxies(self) -> tuple[str, ...]:
        """The items of `trusted_proxies`."""
        return items_of(self.trusted_proxies)


class PostgresSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The database; an empty host means that none is named.

    `host` and `read_host` may name the members of a cluster, as ``host[:port],host[:port]``.
    """

    host: str = ""
    port: Port = 5432
    read_host: str = ""
    read_max_lag: Seconds = 10.0
    user: Name = "order_service"
    password: Secret = Secret()
    db: Name = "orders"
    admin_user: str = ""
    admin_password: Secret = Secret()
    sslmode: SslMode = "prefer"
    sslrootcert: str = ""
    sslcert: str = ""
    sslkey: str = ""
    statement_timeout: Seconds = 5.0
    retry: RetrySettings = RetrySettings(max_delay=5.0)


class RedisSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The shared cache; without URL, sentinels and cluster nodes none is named."""

    url: SecretUrl = SecretUrl()
    sentinels: Addresses = ""
    sentinel_master: str = ""
    sentinel_password: Secret = Secret()
    cluster_nodes: Addresses = ""
    ssl_cafile: str = ""
    ssl_certfile: str = ""
    ssl_keyfile: str = ""
    timeout: Seconds = 0.1

    @property
    def named(self) -> bool:
        """Whether some key says where it is."""
        return bool(self.url or self.sentinels or self.cluster_nodes)


class SaslSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How to log in to the brokers."""

    mechanism: SaslMechanism = ""
    username: str = ""
    password: Secret = Secret()


class KafkaSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The brokers; no bootstrap servers means that none are named."""

    bootstrap_servers: str = ""
    api_version: BrokerVersion = ""
    create_topics: bool = True
    partitions: Annotated[int, Meta(ge=1, le=10000)] = 8
    replication_factor: Annotated[int, Meta(ge=1, le=100)] = 1
    security_protocol: SecurityProtocol = "PLAINTEXT"
    ssl_cafile: str = ""
    ssl_certfile: str = ""
    ssl_keyfile: str = ""
    sasl: SaslSettings = SaslSettings()
    session_timeout: Annotated[float, Meta(ge=1, le=300)] = 10.0
    stall_timeout: Seconds = 120.0
    retry: RetrySettings = RetrySettings()


class SchemaRegistrySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the schemas of messages are registered; an empty URL means nowhere."""

    url: RegistryUrl = ""
    login: Secret = Secret()


class MetricsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a worker exports its metrics (the API serves them on its own port)."""

    worker_port: PortOrOff = 9108


class LogSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What is logged, and how it looks."""

    level: LogLevel = "info"
    format: LogFormat = "auto"


class TracingSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where OpenTelemetry traces go; an empty endpoint means that there are none."""

    endpoint: OtlpUrl = ""
    sample_ratio: Annotated[float, Meta(ge=0.01, le=1)] = 0.1


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """All settings of one process.

    `own` holds the settings of the contexts by the names of their sections; see `of`. `file` is the
    configuration file that was read, if any. `warnings` are sentences about the sources that the
    command should show, such as a variable that looks like a misspelling.
    """

    contexts: ContextsSettings = ContextsSettings()
    http: HttpSettings = HttpSettings()
    postgres: PostgresSettings = PostgresSettings()
    redis: RedisSettings = RedisSettings()
    kafka: KafkaSettings = KafkaSettings()
    schema_registry: SchemaRegistrySettings = SchemaRegistrySettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()
    tracing: TracingSettings = TracingSettings()
    own: Mapping[str, Struct] = {}
    file: Path | None = None
    warnings: tuple[str, ...] = ()

    def of(self, settings: type[S]) -> S:
        """Return the settings of a context by their type; its defaults if nobody has set any."""
        found = next((each for each in self.own.values() if type(each) is settings), None)
        return settings() if found is None else found

    def with_defaults(self) -> "Config":
        """Return the configuration that holds where nobody has set anything."""
        return Config(own={name: type(each)() for name, each in self.own.items()})

    def missing(self, *parts: str) -> tuple[str, ...]:
        """Return the keys that must name an address of these parts and do not.

        The parts are `postgres`, `redis` and `kafka`; for example `("redis.url",)`.
        """
        addresses = {
            "postgres": ("postgres.host", self.postgres.host),
            "redis": ("redis.url", self.redis.named),
            "kafka": ("kafka.bootstrap_servers", self.kafka.bootstrap_servers),
        }
        return tuple(key for key, value in map(addresses.__getitem__, parts) if not value)

    def require(self, *parts: str) -> None:
        """Raise ConfigError that lists each of these parts whose address is not set."""
        if missing := self.missing(*parts):
            raise ConfigError(tuple(Fault(key, "is not set") for key in missing))
