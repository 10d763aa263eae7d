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

from redis import BlockingConnectionPool, Redis, RedisError, ResponseError
from redis import ConnectionError as RedisConnectionError
from redis.backoff import NoBackoff
from redis.connection import SSLConnection, parse_url
from redis.retry import Retry

from .commands import CacheEntry, Command, packed, set_command
from .loop_calls import Line

T = TypeVar("T")

NO_RETRY = Retry(NoBackoff(), 0)

_MOST_LEFT = 100
"""Answers that a thread leaves unread on its connection."""


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

    def get_many(self, keys: Sequence[str]) -> Sequence[bytes | RedisError | None]:
        """Return what `fast_get` does for each key, at the price of one.

        An error that concerns some keys alone is theirs: ResponseError, or NodesAwayError.
        """

    def set(self, name: str, value: bytes, *, px: int, nx: bool) -> object:
        """Set one key for `px` milliseconds; with `nx` only if it does not exist."""

    def set_new(self, *entries: CacheEntry) -> None:
        """Set entries unless their keys exist, without waiting for the answers.

        A refusal goes unnoticed.
        """

    def set_many(self, entries: Sequence[CacheEntry], *, only_new: bool) -> bool:
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


class FastRedis(Redis):
    """A :class:`CacheClient` of one server, fast at the calls that are made most.

    Each thread that makes such a call keeps one connection for good, beside the pool's.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - the library's
        super().__init__(**options)
        self._own = threading.local()

    @property
    def makes_lines(self) -> bool:
        """Whether its connections can be used in an event loop: those without TLS can."""
        return not issubclass(self.connection_pool.connection_class, SSLConnection)

    def make_line(self) -> Line:
        """Return a new connection for use in an event loop.

        Raises:
            RedisError: The server cannot be reached, or lets us not in.
        """
        connection: Any = self.connection_pool.make_connection()
        connection.connect()
        return Line(connection._get_socket(), connection.disconnect)  # noqa: SLF001 - no other way

    def fast_get(self, key: str) -> bytes | None:
        """See :meth:`CacheClient.fast_get`."""
        return self._roundtrip(packed([("GET", key)]), _read_one)

    def get_many(self, keys: Sequence[str]) -> list[bytes | RedisError | None]:
        """See :meth:`CacheClient.get_many`.

        Not MGET: it does not tell a value of another type from none.
        """
        wanted = packed([("GET", key) for key in keys])
        return self._roundtrip(wanted, lambda connection: [_read(connection) for _ in keys])

    def set_new(self, *entries: CacheEntry) -> None:
        """See :meth:`CacheClient.set_new`; the answers are read with that of the next call.

        A thread that asks and sets in turn wakes up once where it would twice.
        """
        if entries:
            wanted = packed([set_command(entry, only_new=True) for entry in entries])
            self._roundtrip(wanted, _leave, leaves=len(entries))

    def set_many(self, entries: Sequence[CacheEntry], *, only_new: bool) -> bool:
        """See :meth:`CacheClient.set_many`."""
        return not any(self.send_many([set_command(each, only_new=only_new) for each in entries]))

    def send_many(self, commands: Sequence[Command]) -> list[ResponseError | None]:
        """Send all `commands` in one round trip; return the refusal of each, None if done."""
        count = len(commands)
        return self._roundtrip(packed(commands), lambda each: _read_all(each, count))

    def _roundtrip(self, packed: bytes, read: Callable[[Any], T], leaves: int = 0) -> T:
        """Send commands over this thread's connection and return what `read` makes of it.

        It leaves so many answers for the next call.
        """
        own = self._own
        if getattr(own, "ready", False):
            try:
                return self._exchange(packed, read, leaves)
            except RedisConnectionError:
                pass  # closed since its last use, as a restart does: worth one more try
        if not hasattr(own, "connection"):
            own.connection = self.connection_pool.make_connection()
        own.connection.connect()
        own.ready = True
        own.left = 0
        return self._exchange(packed, read, leaves)

    def _exchange(self, packed: bytes, read: Callable[[Any], T], leaves: int) -> T:
        own, connection = self._own, self._own.connection
        try:
            connection.send_packed_command([packed], check_health=False)
            if own.left and (not leaves or own.left >= _MOST_LEFT):
                _read_all(connection, own.left)
                own.left = 0
            own.left += leaves
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


def _read(connection: Any) -> bytes | ResponseError | None:  # noqa: ANN401
    """Read a value, or why there is none."""
    try:
        value: bytes | None = connection.read_response(disconnect_on_error=False)
    except ResponseError as error:
        return error
    return value


def _read_all(connection: Any, count: int) -> list[ResponseError | None]:  # noqa: ANN401
    return [_read_refusal(connection) for _ in range(count)]


def _read_refusal(connection: Any) -> ResponseError | None:  # noqa: ANN401
    try:
        connection.read_response(disconnect_on_error=False)
    except ResponseError as error:
        return error
    return None


class ClientOptions(NamedTuple):
    """How clients reach the servers, and how patient they are.

    Attributes:
        url: ``redis://``, ``rediss://`` or ``unix://``. Where sentinels or nodes are named beside
            it, it says login, database and TLS, and its host and port do not matter.
        timeout: Longest wait for a connection from the pool, to connect and to be answered, each
            in seconds.
        max_connections: Most connections of a pool.
        tls: For ``rediss://``: the library's ``ssl_`` options, such as ``ssl_ca_certs``.
    """

    url: str
    timeout: float
    max_connections: int
    tls: Mapping[str, str] = {}

    @property
    def ssl(self) -> bool:
        """Whether servers are spoken to over TLS."""
        return self.url.startswith("rediss://")

    @property
    def login(self) -> dict[str, Any]:
        """What the URL says besides the address and TLS, by the library's names."""
        parts: dict[str, Any] = dict(parse_url(self.url))  # type: ignore[no-untyped-call]
        address = {"host", "port", "connection_class"}
        return {name: value for name, value in parts.items() if name not in address}

    @property
    def pool(self) -> dict[str, Any]:
        """The library's settings of a pool that fails fast."""
        return {
            "max_connections": self.max_connections,
            "timeout": self.timeout,
            "socket_timeout": self.timeout,
            "socket_connect_timeout": self.timeout,
            "retry": NO_RETRY,
            "health_check_interval": 0,
            **(self.tls if self.ssl else {}),
        }


def connect(options: ClientOptions) -> FastRedis:
    """Return a client of one server; connects on first use. Make it after any fork."""
    pool = BlockingConnectionPool.from_url(options.url, **options.pool)
    return FastRedis(connection_pool=pool)
