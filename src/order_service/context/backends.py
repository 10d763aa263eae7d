"""How to reach Postgres and Redis, from the configuration.

What no operator has a reason to touch stands here as a constant.
"""

from typing import TYPE_CHECKING, NamedTuple

from order_service.config import Config, PostgresSettings, RedisSettings
from order_service.infra.addresses import parse_addresses
from order_service.infra.postgres.conninfo import DatabaseServer, Login, conninfo, session_settings
from order_service.infra.postgres.database import Isolation, Settings

if TYPE_CHECKING:
    from order_service.infra.redis.client import CacheClient

CONNECT_TIMEOUT = 3.0
"""Seconds to wait for a new connection, so that a dead host is noticed before clients give up."""

CHECKOUT_TIMEOUT = 2.0
"""Seconds that a request waits for a free connection before it gets 503."""

REPLICA_TIMEOUT = 1.0
"""Seconds that the replica has to answer before the primary is asked."""

_LOCK_TIMEOUT = 2.0
"""Seconds to wait for a row or table lock before the transaction is retried."""

_CALL_GRACE = 1.0
"""Seconds by which a call may outlast the server's own statement timeout."""

_REDIS_CONNECTIONS = 16
"""Most connections of the pool of one process."""

_NODE_PAUSE = 1.0
"""Seconds for which a node of a Redis Cluster is left alone after a failure."""


class DatabaseTarget(NamedTuple):
    """A database to open: its host or hosts, for traces, and how to reach it."""

    host: str
    settings: Settings


def primary(
    config: Config, size: int, *, admin: bool = False, isolation: Isolation = "read committed"
) -> DatabaseTarget:
    """Return how to reach the primary.

    Args:
        config: All settings.
        size: Most connections.
        admin: As the role that migrates instead of the service's.
        isolation: Of every transaction.
    """
    named = config.postgres
    login = migrating_login(named) if admin else service_login(named)
    limits = Settings(
        conninfo(primary_server(named), login),
        min_size=0 if admin else 1,
        max_size=size,
        checkout_timeout=CHECKOUT_TIMEOUT,
        call_timeout=named.statement_timeout + _CALL_GRACE,
        isolation=isolation,
        session=session_settings(named.statement_timeout, _LOCK_TIMEOUT),
    )
    return DatabaseTarget(named.host, limits)


def replica(config: Config, size: int) -> DatabaseTarget:
    """Return how to reach the replica; it has less time, as the primary comes after it."""
    named = config.postgres
    limits = Settings(
        conninfo(replica_server(named), service_login(named)),
        min_size=1,
        max_size=size,
        checkout_timeout=REPLICA_TIMEOUT,
        call_timeout=REPLICA_TIMEOUT,
        session=session_settings(REPLICA_TIMEOUT, _LOCK_TIMEOUT),
    )
    return DatabaseTarget(named.read_host, limits)


def primary_server(named: PostgresSettings) -> DatabaseServer:
    """Return the database that takes the writes."""
    values = {
        "sslmode": named.sslmode,
        "sslrootcert": named.sslrootcert,
        "sslcert": named.sslcert,
        "sslkey": named.sslkey,
    }
    tls = {name: value for name, value in values.items() if value}
    addresses = parse_addresses(named.host, named.port)
    return DatabaseServer(addresses, named.db, CONNECT_TIMEOUT, tls)


def replica_server(named: PostgresSettings) -> DatabaseServer:
    """Return the database that lookups read first."""
    addresses = parse_addresses(named.read_host, named.port)
    return primary_server(named)._replace(addresses=addresses, member="prefer-standby")


def service_login(named: PostgresSettings) -> Login:
    """Return the role of the service."""
    return Login(named.user, named.password.reveal())


def migrating_login(named: PostgresSettings) -> Login:
    """Return the role that migrates: the service's own, if no other one is named."""
    if not named.admin_user:
        return service_login(named)
    return Login(named.admin_user, named.admin_password.reveal())


def connect_redis(settings: RedisSettings) -> "CacheClient":
    """Return a client of the server, the watched master or the cluster; connects on first use."""
    # Whoever migrates needs no cache, and the library takes a moment to load.
    from order_service.infra.redis.client import ClientOptions, connect  # noqa: PLC0415
    from order_service.infra.redis.cluster import connect_cluster  # noqa: PLC0415
    from order_service.infra.redis.sentinel import Watched, connect_sentinel  # noqa: PLC0415

    url = settings.url.reveal() or "redis://"
    options = ClientOptions(url, settings.timeout, _REDIS_CONNECTIONS, _redis_tls(settings))
    if settings.sentinels:
        watched = Watched(
            parse_addresses(settings.sentinels),
            settings.sentinel_master,
            settings.sentinel_password.reveal(),
        )
        return connect_sentinel(options, watched)
    if settings.cluster_nodes:
        nodes = parse_addresses(settings.cluster_nodes)
        return connect_cluster(options, nodes, _NODE_PAUSE)
    return connect(options)


def _redis_tls(settings: RedisSettings) -> dict[str, str]:
    """Return redis-py's names of the TLS settings that are set."""
    values = {
        "ssl_ca_certs": settings.ssl_cafile,
        "ssl_certfile": settings.ssl_certfile,
        "ssl_keyfile": settings.ssl_keyfile,
    }
    return {name: value for name, value in values.items() if value}
