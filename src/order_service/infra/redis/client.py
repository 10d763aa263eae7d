"""A Redis client that fails fast, and is fast where it matters.

The library's defaults retry with backoff and wait without limit, so a server that hangs
costs a caller close to a minute. Here a call costs at most its timeout, once. The two
calls of the hot paths, one GET and many SETs, go past the library's command machinery,
which takes several times as long as the server: each thread keeps a connection and hands
it packed bytes.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import hiredis
from redis import BlockingConnectionPool, Redis, RedisError, ResponseError
from redis import ConnectionError as RedisConnectionError
from redis.backoff import NoBackoff
from redis.retry import Retry

T = TypeVar("T")

Command = tuple[str | bytes | int, ...]
"""A command as a server takes it: its name, its key, the rest."""

NO_RETRY = Retry(NoBackoff(), 0)

_MOST_LEFT = 100
"""Answers that a thread leaves unread on its connection."""


class Entry(NamedTuple):
    """A value to set."""

    key: str
    value: bytes
    milliseconds: int


class NodesAwayError(RedisError):
    """Some nodes of a cluster are away; the others have done their share.

    Attributes:
        keys: Those that the call did nothing about.
    """

    def __init__(self, keys: Collection[str]) -> None:
        super().__init__(f"the nodes of {len(keys)} keys are away")
        self.keys = keys


class CacheClient(Protocol):
    """What a cache needs of Redis, be it one server, a master under Sentinel or a cluster.

    Thread-safe; connects on first use. Every call raises ResponseError when the server
    refuses, NodesAwayError when a part of a cluster is away, and another redis.RedisError
    when nothing can be reached or answers in time.
    """

    def fast_get(self, key: str) -> bytes | None:
        """Return the value of a string key, None if there is none."""

    def set(self, name: str, value: bytes, *, px: int, nx: bool) -> object:
        """Set one key for `px` milliseconds; with `nx` only if it does not exist."""

    def set_new(self, entry: Entry) -> None:
        """Set an entry unless its key exists, without waiting for the answer.

        A refusal goes unnoticed.
        """

    def set_many(self, entries: Sequence[Entry], *, only_new: bool) -> bool:
        """Set all `entries` in one round trip; return whether every one was taken.

        With `only_new`, keys that exist are left alone; that counts as taken. Refusals of
        single entries are no error.
        """

    def unlink(self, *keys: str) -> object:
        """Delete the keys, whether they exist or not."""

    def ping(self) -> object:
        """Return if a server answers."""

    def close(self) -> None:
        """Close all connections."""


def set_command(entry: Entry, *, only_new: bool) -> Command:
    """Return the command that sets an entry, unless it exists if `only_new`."""
    condition = ("NX",) if only_new else ()
    return ("SET", entry.key, entry.value, "PX", entry.milliseconds, *condition)


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

    def set_new(self, entry: Entry) -> None:
        """Set an entry unless its key exists; the answer is read with that of the next call.

        So the caller waits for nothing, and a thread that asks and sets in turn wakes up once
        where it would twice.

        Raises:
            redis.RedisError: The server cannot be reached.
        """
        self._roundtrip([hiredis.pack_command(set_command(entry, only_new=True))], _leave)  # type: ignore[arg-type]

    def set_many(self, entries: Sequence[Entry], *, only_new: bool) -> bool:
        """Set all `entries` in one round trip; return whether the server took every one.

        Args:
            entries: What to set.
            only_new: Leave keys alone that exist; that counts as taken.

        Raises:
            redis.RedisError: The server cannot be reached or does not answer in time.
        """
        return not any(self.send_many([set_command(each, only_new=only_new) for each in entries]))

    def send_many(self, commands: Sequence[Command]) -> list[ResponseError | None]:
        """Send all `commands` in one round trip; return the refusal of each, None if done.

        Raises:
            redis.RedisError: The server cannot be reached or does not answer in time.
        """
        packed = b"".join(map(hiredis.pack_command, commands))  # type: ignore[arg-type]
        return self._roundtrip([packed], lambda connection: _read_all(connection, len(commands)))

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
        own.left = 0
        return self._exchange(commands, read)

    def _exchange(self, commands: list[bytes], read: Callable[[Any], T]) -> T:
        own, connection = self._own, self._own.connection
        try:
            connection.send_packed_command(commands, check_health=False)
            if own.left and (read is not _leave or own.left >= _MOST_LEFT):
                _read_all(connection, own.left)
                own.left = 0
            own.left += read is _leave
            return read(connection)
        except ResponseError:
            raise  # an answer like any other
        except BaseException:
            # An answer that comes late must not be taken for that of the next question.
            self._own.ready = False
            connection.disconnect()
            raise


def _leave(_: Any) -> None:  # noqa: ANN401 - untyped library
    """Read nothing: the answer is left for the next call."""


def _read_one(connection: Any) -> bytes | None:  # noqa: ANN401 - untyped library
    value: bytes | None = connection.read_response()
    return value


def _read_all(connection: Any, count: int) -> list[ResponseError | None]:  # noqa: ANN401
    return [_read_refusal(connection) for _ in range(count)]


def _read_refusal(connection: Any) -> ResponseError | None:  # noqa: ANN401
    try:
        connection.read_response(disconnect_on_error=False)
    except ResponseError as error:
        return error
    return None


def pool_options(timeout: float, max_connections: int, tls: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of a pool that fails fast; see `connect`."""
    return {
        "max_connections": max_connections,
        "timeout": timeout,
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": NO_RETRY,
        "health_check_interval": 0,
        **tls,
    }


def connect(
    url: str, timeout: float, max_connections: int, tls: Mapping[str, str] | None = None
) -> FastRedis:
    """Return a client; connects on first use. Thread-safe; make it after any fork.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.
        timeout: Longest wait for a connection from the pool, to connect and to be
            answered, each in seconds.
        max_connections: Most connections of the pool.
        tls: For ``rediss://``: the library's ``ssl_`` options, such as ``ssl_ca_certs``.
    """
    options = pool_options(timeout, max_connections, tls or {})
    return FastRedis(connection_pool=BlockingConnectionPool.from_url(url, **options))
