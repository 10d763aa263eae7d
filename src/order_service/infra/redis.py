"""A Redis client that fails fast.

The library's defaults retry with backoff and wait without limit, so a server that hangs
costs a caller close to a minute. Here a call costs at most its timeout, once.
"""

from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.retry import Retry


def connect(url: str, timeout: float, max_connections: int) -> Redis:
    """Return a client; connects on first use. Thread-safe; make it after any fork.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.
        timeout: Longest wait for a connection from the pool, to connect and to be
            answered, each in seconds.
        max_connections: Most connections of this process.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=max_connections,
        timeout=timeout,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )
    return Redis(connection_pool=pool)
