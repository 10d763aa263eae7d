"""A Redis client that fails fast, and is fast where it matters.

The library's defaults retry with backoff and wait without limit, so a server that hangs
costs a caller close to a minute. Here a call costs at most its timeout, once. The two
calls of the hot paths, one GET and many SETs, go past the library's command machinery,
which takes several times as long as the server: each thread keeps a connection and hands
it packed bytes.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import hiredis
from redis import BlockingConnectionPool, Redis, ResponseError
from redis import ConnectionError as RedisConnectionError
from redis.backoff import NoBackoff
from redis.retry import Retry

T = TypeVar("T")


class Entry(NamedTuple):
    """A value to set."""

    key: str
    value: bytes
    milliseconds: int


class FastRedis(Redis):
    """A client with fast versions of the calls that are made most. Thread-safe.

    Each thread that makes such a call keeps one connection for good, beside the pool's.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - the library's
        super().__init__(**options)
        self._own = threading.local()

    def fast_get(self, key: str) -> bytes | None:
        """Return the value of a string key, None if there is none.

        Raises:
            redis.RedisError: As the library raises it.
        """
        command = hiredis.pack_command(("GET", key))  # type: ignore[arg-type]  # str is fine
        return self._roundtrip([command], _read_one)

    def set_many(self, entries: Sequence[Entry], *, only_new: bool) -> bool:
        """Set all `entries` in one round trip; return whether the server took every one.

        Args:
            entries: What to set.
            only_new: Leave keys alone that exist; that counts as taken.

        Raises:
            redis.RedisError: The server cannot be reached or does not answer in time.
        """
        condition = ("NX",) if only_new else ()
        commands = [
            hiredis.pack_command(("SET", key, value, "PX", milliseconds, *condition))
            for key, value, milliseconds in entries
        ]
        joined = [b"".join(commands)]
        return self._roundtrip(joined, lambda connection: _read_all(connection, len(entries)))

    def _roundtrip(self, commands: list[bytes], read: Callable[[Any], T]) -> T:
        """Send `commands` over this thread's connection and return what `read` makes of it."""
        own = self._own
        if getattr(own, "ready", False):
            try:
                return self._exchange(commands, read)
            except RedisConnectionError:
                pass  # closed since its last use, as a restart does: worth one more try
        if not hasattr(own, "connection"):
            own.connection = self.connection_pool.make_connection()
        own.connection.connect()
        own.ready = True
        return self._exchange(commands, read)

    def _exchange(self, commands: list[bytes], read: Callable[[Any], T]) -> T:
        connection = self._own.connection
        try:
            connection.send_packed_command(commands, check_health=False)
            return read(connection)
        except ResponseError:
            raise  # an answer like any other
        except BaseException:
            # An answer that comes late must not be taken for that of the next question.
            self._own.ready = False
            connection.disconnect()
            raise


def _read_one(connection: Any) -> bytes | None:  # noqa: ANN401 - untyped library
    value: bytes | None = connection.read_response()
    return value


def _read_all(connection: Any, count: int) -> bool:  # noqa: ANN401
    refused = 0
    for _ in range(count):
        try:
            connection.read_response(disconnect_on_error=False)
        except ResponseError:
            refused += 1
    return not refused


def connect(url: str, timeout: float, max_connections: int) -> FastRedis:
    """Return a client; connects on first use. Thread-safe; make it after any fork.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.
        timeout: Longest wait for a connection from the pool, to connect and to be
            answered, each in seconds.
        max_connections: Most connections of the pool.
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
    return FastRedis(connection_pool=pool)
