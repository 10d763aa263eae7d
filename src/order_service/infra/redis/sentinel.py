"""The client of a master that Redis Sentinel watches: after a failover it finds the new one.

Each connection asks the sentinels for the master when it is made, and is made anew when
the master is gone, was demoted or does not answer. Between a master's death and the
election of another there is nobody to ask: calls fail, as with a single server.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from redis import BlockingConnectionPool
from redis import ConnectionError as RedisConnectionError
from redis import TimeoutError as RedisTimeoutError
from redis.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool

from .client import NO_RETRY, ClientOptions, FastRedis


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


def connect_sentinel(options: ClientOptions, watched: Watched) -> FastRedis:
    """Return a client of the master; connects on first use. Make it after any fork.

    Sentinels are spoken to over TLS if servers are. Finding the master costs the timeout once more
    for each sentinel that does not answer.
    """
    asking: dict[str, Any] = {
        "socket_timeout": options.timeout,
        "socket_connect_timeout": options.timeout,
        "retry": NO_RETRY,
    }
    if options.ssl:
        asking |= {"ssl": True, **options.tls}
    if watched.password:
        asking["password"] = watched.password
    sentinels = _Sentinels(list(watched.sentinels), sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
    settings = {**options.pool, **options.login}
    pool = _Pool(watched.master, sentinels, ssl=options.ssl, **settings)  # type: ignore[no-untyped-call]
    return FastRedis(connection_pool=pool)
