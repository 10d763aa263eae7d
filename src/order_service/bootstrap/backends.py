"""Adapters from the configuration: database, cache, Kafka."""

import threading

from kafka import KafkaProducer
from psycopg.conninfo import make_conninfo

from order_service.config import Config
from order_service.config import Retry as RetryConfig
from order_service.infra import kafka_clients, postgres, redis
from order_service.infra.circuit import CircuitBreaker
from order_service.infra.redis import CacheClient
from order_service.infra.redis_cluster import connect_cluster
from order_service.infra.redis_sentinel import Watched, connect_sentinel
from order_service.infra.retry import Policy, Retry
from order_service.metrics import Metrics
from order_service.orders.redis_cache import Lifetimes, RedisCache

from .tracing import traced_cache, traced_queries

_BROKER_DEFAULT_BYTES = 1024 * 1024
"""Largest message that a topic admits unless it says otherwise."""

_ENVELOPE_BYTES = 64 * 1024
"""Room for headers around the largest dead letter."""

_MAX_REQUEST_BYTES = 100 * 1024 * 1024
"""Longest request that brokers accept; how large a record may be is for the topic to say."""

_CALL_GRACE = 1.0
"""Seconds by which a call may outlast the server's own statement timeout."""


def open_database(config: Config, metrics: Metrics) -> postgres.Database:
    """Return the primary, open; connects in the background."""
    settings = config.postgres
    limits = postgres.Settings(
        _conninfo(config, settings.host, settings.port, settings.statement_timeout),
        min_size=settings.pool.min_size,
        max_size=settings.pool.max_size,
        checkout_timeout=settings.pool.timeout,
        call_timeout=settings.statement_timeout + _CALL_GRACE,
    )
    return _opened(config, limits, settings.host, metrics)


def open_replica(config: Config, metrics: Metrics) -> postgres.Database:
    """Return the replica that lookups read, open; it has less time, as the primary comes after."""
    settings = config.postgres
    port = settings.read_port or settings.port
    limits = postgres.Settings(
        _conninfo(config, settings.read_host, port, settings.read_timeout),
        min_size=settings.pool.min_size,
        max_size=settings.pool.max_size,
        checkout_timeout=settings.read_timeout,
        call_timeout=settings.read_timeout,
    )
    return _opened(config, limits, settings.read_host, metrics)


def _opened(
    config: Config, limits: postgres.Settings, host: str, metrics: Metrics
) -> postgres.Database:
    database = postgres.Database(limits, traced_queries(config, metrics.backends, host))
    database.open()
    return database


def _conninfo(config: Config, host: str, port: int, statement_timeout: float) -> str:
    settings = config.postgres
    return make_conninfo(
        host=host,
        port=port,
        user=settings.user,
        password=settings.password.reveal(),
        dbname=settings.db,
        connect_timeout=max(2, round(settings.connect_timeout)),
        application_name="order-service",
        client_encoding="UTF8",
        options=_session_options(statement_timeout, settings.lock_timeout),
        **postgres_tls(config),
    )


def postgres_tls(config: Config) -> dict[str, str]:
    """Return libpq's keywords for TLS that are set."""
    settings = config.postgres
    values = {
        "sslmode": settings.sslmode,
        "sslrootcert": settings.sslrootcert,
        "sslcert": settings.sslcert,
        "sslkey": settings.sslkey,
    }
    return {name: value for name, value in values.items() if value}


def _session_options(statement_timeout: float, lock_timeout: float) -> str:
    """Return the session settings: deadlines in milliseconds, times in UTC."""
    values = {
        "statement_timeout": round(statement_timeout * 1000),
        "lock_timeout": round(lock_timeout * 1000),
        "timezone": "UTC",
    }
    return " ".join(f"-c {name}={value}" for name, value in values.items())


def connect_redis(config: Config) -> CacheClient:
    """Return a client of the server, the watched master or the cluster; connects on first use."""
    return traced_cache(config, _connect_redis(config))


def _connect_redis(config: Config) -> CacheClient:
    settings = config.redis
    url = settings.url.reveal() or "redis://"
    limits = settings.timeout, settings.max_connections
    tls = _redis_tls(config)
    if settings.sentinels:
        watched = Watched(
            addresses(settings.sentinels),
            settings.sentinel_master,
            settings.sentinel_password.reveal(),
        )
        return connect_sentinel(url, watched, *limits, tls)
    if settings.cluster_nodes:
        nodes = addresses(settings.cluster_nodes)
        return connect_cluster(url, nodes, *limits, tls, pause=settings.circuit_open)
    return redis.connect(url, *limits, tls)


def addresses(text: str) -> list[tuple[str, int]]:
    """Return host and port of each part of ``host:port,host:port``."""
    pairs = (part.rpartition(":") for part in text.split(","))
    return [(host.strip("[]"), int(port)) for host, _, port in pairs]


def _redis_tls(config: Config) -> dict[str, str]:
    """Return redis-py's names of the TLS settings that are set."""
    settings = config.redis
    if not settings.url.reveal().startswith("rediss://"):
        return {}
    values = {
        "ssl_ca_certs": settings.ssl_cafile,
        "ssl_certfile": settings.ssl_certfile,
        "ssl_keyfile": settings.ssl_keyfile,
    }
    return {name: value for name, value in values.items() if value}


def make_cache(config: Config, client: CacheClient, metrics: Metrics) -> RedisCache:
    """Return the shared cache."""
    settings = config.cache
    circuit = CircuitBreaker(config.redis.circuit_open)
    metrics.cache.circuit_open.set_function(lambda: not circuit.closed)
    return RedisCache(
        client,
        Lifetimes(settings.ttl, settings.ttl_jitter, settings.negative_ttl),
        circuit,
        metrics.cache.errors.inc,
    )


def kafka_connection(config: Config) -> kafka_clients.Connection:
    """Return how to reach the brokers."""
    settings = config.kafka
    version = tuple(int(part) for part in settings.api_version.split(".") if part)
    return kafka_clients.Connection(
        settings.bootstrap_servers,
        api_version=version or None,
        security=_kafka_security(config),
    )


def letter_limit(config: Config) -> int:
    """Return the bytes that the dead-letter topic must admit.

    Messages that are larger than we accept become letters, too: up to the size that the
    topic of the orders admits by default.
    """
    return max(config.kafka.max_message_bytes, _BROKER_DEFAULT_BYTES) + _ENVELOPE_BYTES


def open_letter_producer(config: Config) -> KafkaProducer:
    """Return a producer of dead letters and replays; see :func:`kafka_clients.open_producer`."""
    return kafka_clients.open_producer(kafka_connection(config), _MAX_REQUEST_BYTES)


def _kafka_security(config: Config) -> dict[str, object]:
    """Return the TLS and SASL settings that are set, by kafka-python's names."""
    settings = config.kafka
    values = {
        "security_protocol": settings.security_protocol,
        "ssl_cafile": settings.ssl_cafile,
        "ssl_certfile": settings.ssl_certfile,
        "ssl_keyfile": settings.ssl_keyfile,
        "sasl_mechanism": settings.sasl.mechanism,
        "sasl_plain_username": settings.sasl.username,
        "sasl_plain_password": settings.sasl.password.reveal(),
    }
    return {name: value for name, value in values.items() if value}


def make_retry(
    backend: str,
    settings: RetryConfig,
    transient: type[Exception],
    stopping: threading.Event,
    metrics: Metrics,
) -> Retry:
    """Return the patience with one backend."""
    policy = Policy(settings.attempts, settings.base_delay, settings.max_delay)
    on_retry = metrics.backends.retried
    return Retry(backend, policy, (transient,), stopping, on_retry=on_retry)
