"""The client of a master that Redis Sentinel watches: after a failover it finds the new one.

Each connection asks the sentinels for the master when it is made, and is made anew when
the master is gone, was demoted or does not answer. Between a master's death and the
election of another there is nobody to ask: calls fail, as with a single server.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from redis import BlockingConnectionPool, SSLConnection
from redis import ConnectionError as RedisConnectionError
from redis import TimeoutError as RedisTimeoutError
from redis.connection import parse_url
from redis.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool

from .client import NO_RETRY, FastRedis, pool_options


class Watched(NamedTuple):
    """Which master, and who knows where it is.

    Attributes:
        sentinels: Host and port of each.
        master: The name that they know the master by.
        password: The sentinels' own; empty if they want none.
    """

    sentinels: Iterable[tuple[str, int]]
    master: str
    password: str = ""


class _Sentinels(Sentinel):
    """Sentinels that are asked in their order.

    The library moves the one that answered to the front; two threads that do so at the same time
    can lose a sentinel.
    """

    def discover_master(self, service_name: str) -> tuple[str, int]:
        """Return the master's host and port.

        Raises:
            MasterNotFoundError: No sentinel knows a master that is well.
        """
        for sentinel in self.sentinels:
            try:
                masters: Any = sentinel.sentinel_masters()
            except (RedisConnectionError, RedisTimeoutError):
                continue
            state = masters.get(service_name)
            if state and self.check_master_state(state, service_name):  # type: ignore[no-untyped-call]
                return state["ip"], state["port"]
        raise MasterNotFoundError(f"no sentinel knows a healthy master {service_name!r}")


class _Pool(SentinelConnectionPool, BlockingConnectionPool):
    """Waits for a free connection instead of failing at once."""


def connect_sentinel(
    url: str, watched: Watched, timeout: float, max_connections: int, tls: Mapping[str, str]
) -> FastRedis:
    """Return a client of the master; connects on first use. Thread-safe; make it after any fork.

    Args:
        url: Login, database and TLS (``rediss://``, of sentinels and servers); host and
            port do not matter.
        watched: Which master.
        timeout: As for :func:`redis.connect`; finding the master costs it once more for each
            sentinel that does not answer.
        max_connections: Most connections of the pool.
        tls: The library's ``ssl_`` options.
    """
    login, ssl = _login_of(url)
    options = pool_options(timeout, max_connections, tls if ssl else {})
    asking = {"socket_timeout": timeout, "socket_connect_timeout": timeout, "retry": NO_RETRY}
    if ssl:
        asking |= {"ssl": True, **tls}
    if watched.password:
        asking["password"] = watched.password
    sentinels = _Sentinels(list(watched.sentinels), sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
    pool = _Pool(watched.master, sentinels, ssl=ssl, **options, **login)  # type: ignore[no-untyped-call]
    return FastRedis(connection_pool=pool)


def _login_of(url: str) -> tuple[dict[str, Any], bool]:
    """Return what a URL says besides the address, and whether it asks for TLS."""
    parts = dict(parse_url(url))  # type: ignore[no-untyped-call]
    ssl = parts.pop("connection_class", None) is SSLConnection
    return {name: value for name, value in parts.items() if name not in {"host", "port"}}, ssl
