"""Adapters from the configuration: database and cache, and patience with them."""

import threading

from psycopg.conninfo import make_conninfo

from order_service.config import Config
from order_service.config import Retry as RetryConfig
from order_service.contexts.orders.redis_cache import Lifetimes, RedisCache
from order_service.infra.circuit import CircuitBreaker
from order_service.infra.postgres import database as postgres
from order_service.infra.redis import client as redis
from order_service.infra.redis.client import CacheClient
from order_service.infra.redis.cluster import connect_cluster
from order_service.infra.redis.sentinel import Watched, connect_sentinel
from order_service.infra.retry import Policy, Retry
from order_service.metrics import Metrics

from .tracing import traced_cache, traced_queries

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
