"""The configuration: every key, its type, its range and its default, in this one place.

config.yml says of each key what it is for and in which unit; a test proves that the two agree.
"""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from order_service.config.errors import ConfigError, Fault
from order_service.config.secret import Secret, SecretUrl

Port = Annotated[int, Meta(ge=1, le=65535)]
PortOrSame = Annotated[int, Meta(ge=0, le=65535)]
Addresses = Annotated[str, Meta(pattern=r"^([^\s,]+:\d{1,5}(,[^\s,]+:\d{1,5})*)?$")]
Count = Annotated[int, Meta(ge=1)]
CountOrOff = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(gt=0, le=86400)]
SecondsOrOff = Annotated[float, Meta(ge=0, le=86400)]
Share = Annotated[float, Meta(ge=0, le=1)]
Name = Annotated[str, Meta(min_length=1, max_length=255)]
TopicName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
OtlpUrl = Annotated[str, Meta(pattern=r"^(https?://[^\s@/]+[^\s@]*)?$")]
BrokerVersion = Annotated[str, Meta(pattern=r"^(\d+(\.\d+){1,2})?$")]
SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
Auth = Literal["none", "api_key"]
LogLevel = Literal["debug", "info", "warning", "error", "critical"]
LogFormat = Literal["auto", "console", "json"]


class Retry(Struct, frozen=True, forbid_unknown_fields=True):
    """Capped exponential backoff with full jitter."""

    attempts: Count = 5
    base_delay: Seconds = 0.1
    max_delay: Seconds = 10.0


class Http(Struct, frozen=True, forbid_unknown_fields=True):
    """The API server."""

    host: Name = "127.0.0.1"
    port: Port = 8080
    workers: Annotated[int, Meta(ge=1, le=256)] = 1
    threads: Annotated[int, Meta(ge=1, le=1024)] = 8
    backlog: Annotated[int, Meta(ge=128, le=65535)] = 1024
    shutdown_timeout: Seconds = 10.0
    max_header_bytes: Annotated[int, Meta(ge=1024, le=1048576)] = 16384
    max_list_limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    auth: Auth = "none"
    auth_refresh: Seconds = 5.0
    cors_origins: str = ""
    rate_limit: Annotated[float, Meta(ge=0, le=1_000_000)] = 0.0
    trusted_proxies: str = ""

    @property
    def origins(self) -> tuple[str, ...]:
        """The items of `cors_origins`."""
        return _items(self.cors_origins)

    @property
    def proxies(self) -> tuple[str, ...]:
        """The items of `trusted_proxies`."""
        return _items(self.trusted_proxies)


def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


class Pool(Struct, frozen=True, forbid_unknown_fields=True):
    """Database connections of one process."""

    min_size: CountOrOff = 1
    max_size: Annotated[int, Meta(ge=1, le=1000)] = 8
    timeout: Seconds = 2.0


class Postgres(Struct, frozen=True, forbid_unknown_fields=True):
    """The database; an empty host means that none is named."""

    host: str = ""
    port: Port = 5432
    read_host: str = ""
    read_port: PortOrSame = 0
    read_timeout: Seconds = 1.0
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
    connect_timeout: Seconds = 3.0
    statement_timeout: Seconds = 5.0
    lock_timeout: Seconds = 2.0
    pool: Pool = Pool()
    retry: Retry = Retry()


class Redis(Struct, frozen=True, forbid_unknown_fields=True):
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
    max_connections: Count = 16
    circuit_open: Seconds = 1.0

    @property
    def named(self) -> bool:
        """Whether some key says where it is."""
        return bool(self.url or self.sentinels or self.cluster_nodes)


class Cache(Struct, frozen=True, forbid_unknown_fields=True):
    """What is remembered about orders, and for how long."""

    ttl: Seconds = 300.0
    ttl_jitter: Share = 0.1
    negative_ttl: Seconds = 5.0
    local_size: CountOrOff = 4096
    local_ttl: Seconds = 1.0
    warm_up: CountOrOff = 1000


class Sasl(Struct, frozen=True, forbid_unknown_fields=True):
    """How to log in to the brokers."""

    mechanism: SaslMechanism = ""
    username: str = ""
    password: Secret = Secret()


class Batch(Struct, frozen=True, forbid_unknown_fields=True):
    """How much is stored in one transaction."""

    max_messages: Annotated[int, Meta(ge=1, le=100000)] = 1000
    max_bytes: Annotated[int, Meta(ge=1024, le=1073741824)] = 8388608
    linger: Annotated[float, Meta(ge=0, le=1)] = 0.05
    lanes: Annotated[int, Meta(ge=1, le=64)] = 2


class RejectionLimit(Struct, frozen=True, forbid_unknown_fields=True):
    """When rejected messages look like a fault of ours rather than of the messages."""

    share: Share = 0.5
    window: Count = 200


class Kafka(Struct, frozen=True, forbid_unknown_fields=True):
    """The stream of orders; no bootstrap servers means that none are named."""

    bootstrap_servers: str = ""
    api_version: BrokerVersion = ""
    topic: TopicName = "orders"
    group_id: Name = "order-service"
    dead_letter_topic: TopicName = "orders.dead-letters"
    create_topics: bool = True
    partitions: Annotated[int, Meta(ge=1, le=10000)] = 8
    replication_factor: Annotated[int, Meta(ge=1, le=100)] = 1
    security_protocol: SecurityProtocol = "PLAINTEXT"
    ssl_cafile: str = ""
    ssl_certfile: str = ""
    ssl_keyfile: str = ""
    sasl: Sasl = Sasl()
    batch: Batch = Batch()
    max_message_bytes: Annotated[int, Meta(ge=1024, le=104857600)] = 1048576
    session_timeout: Annotated[float, Meta(ge=1, le=1800)] = 10.0
    max_poll_interval: Seconds = 300.0
    shutdown_timeout: Seconds = 10.0
    retry: Retry = Retry()
    stall_timeout: Seconds = 120.0
    fetch_age_limit: Seconds = 30.0
    rejection_limit: RejectionLimit = RejectionLimit()


class Metrics(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the consumer exports its own metrics (the API serves them on its own port)."""

    consumer_host: Name = "127.0.0.1"
    consumer_port: Annotated[int, Meta(ge=0, le=65535)] = 9108


class Log(Struct, frozen=True, forbid_unknown_fields=True):
    """What is logged, and how it looks."""

    level: LogLevel = "info"
    format: LogFormat = "auto"


class Tracing(Struct, frozen=True, forbid_unknown_fields=True):
    """Where OpenTelemetry traces go; an empty endpoint means that there are none."""

    endpoint: OtlpUrl = ""
    sample_ratio: Annotated[float, Meta(ge=0.01, le=1)] = 0.1
    service_name: Name = "order-service"


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """All settings of one process.

    `file` is the configuration file that was read, if any. `warnings` are sentences about the
    environment that the command should show, such as a variable that looks like a misspelling.
    Both describe where the settings came from and are no settings themselves.
    """

    http: Http = Http()
    postgres: Postgres = Postgres()
    redis: Redis = Redis()
    cache: Cache = Cache()
    kafka: Kafka = Kafka()
    metrics: Metrics = Metrics()
    log: Log = Log()
    tracing: Tracing = Tracing()
    file: Path | None = None
    warnings: tuple[str, ...] = ()

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
