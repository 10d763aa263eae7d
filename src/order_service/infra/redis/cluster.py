"""The client of a Redis Cluster: every key to the node that holds its slot, many at a time.

The library learns and keeps the map of slots. Its own commands are not used where it is
quick to go around them: it repeats what a node did not take one command at a time, so that
a node that hangs would cost a batch a timeout for each order. A node that is away is left
alone for a moment, while the others are used.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, TypeVar

import structlog
from redis import BlockingConnectionPool, Connection, RedisError, ResponseError, SSLConnection
from redis import ConnectionError as RedisConnectionError
from redis import TimeoutError as RedisTimeoutError
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import AskError, ClusterDownError, MovedError, RedisClusterException

from order_service.infra.circuit import CircuitBreaker

from .client import (
    ClientOptions,
    FastRedis,
    NodesAwayError,
)
from .commands import CacheEntry, Command, set_command
from .slot_map import SlotMap

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class ClusterClient:
    """A :class:`redis.CacheClient` of a whole cluster. Thread-safe; make it after any fork.

    Args:
        slots: Knows which node holds a key.
        connect_node: Returns the client of the node at host and port.
        pause: Seconds for which a node is left alone after a failure.
    """

    def __init__(
        self, slots: SlotMap, connect_node: Callable[[str, int], FastRedis], pause: float
    ) -> None:
        self._slots = slots
        self._connect_node = connect_node
        self._nodes: dict[str, FastRedis] = {}
        self._pause = pause
        self._circuits: dict[str, CircuitBreaker] = {}

    def fast_get(self, key: str) -> bytes | None:
        """See :meth:`redis.CacheClient.fast_get`."""
        with _translated():
            try:
                return self._routed(key, lambda node: node.fast_get(key))
            except AskError:  # the slot is on its way to another node
                value: bytes | None = self._elsewhere(("GET", key))
                return value

    def get_many(self, keys: Sequence[str]) -> list[bytes | RedisError | None]:
        """See :meth:`redis.CacheClient.get_many`; one round trip for each node."""
        found: dict[str, bytes | RedisError | None] = {}
        with _translated():
            for share in self._shares(keys, str):
                found |= self._got(share)
        return [found[key] for key in keys]

    def _got(self, keys: Sequence[str]) -> dict[str, bytes | RedisError | None]:
        """Return the values of keys that one node holds; nothing raises but an unknown cluster."""
        try:
            values = self._routed(keys[0], lambda node: node.get_many(keys))
        except NodesAwayError as error:
            return dict.fromkeys(keys, error)
        found = dict(zip(keys, values, strict=True))
        for key, value in found.items():
            if isinstance(value, AskError):  # AskError is what MovedError is, too
                found[key] = self._got_elsewhere(key)
        return found

    def _got_elsewhere(self, key: str) -> bytes | RedisError | None:
        """Return the value of a key that has moved."""
        try:
            return self.fast_get(key)
        except (ResponseError, NodesAwayError) as error:
            return error

    def set(self, name: str, value: bytes, *, px: int, nx: bool) -> None:
        """See :meth:`redis.CacheClient.set`."""
        self._done([set_command(CacheEntry(name, value, px), only_new=nx)])

    def set_new(self, *entries: CacheEntry) -> None:
        """See :meth:`redis.CacheClient.set_new`; lost while the slot moves."""
        away: list[str] = []
        with _translated():
            for share in self._shares(entries, attrgetter("key")):
                try:
                    self._set_new(share)
                except NodesAwayError:
                    away += [entry.key for entry in share]
        if away:
            raise NodesAwayError(away)

    def _set_new(self, share: Sequence[CacheEntry]) -> None:
        """Set entries that one node holds."""
        self._routed(share[0].key, lambda node: node.set_new(*share))

    def set_many(self, entries: Sequence[CacheEntry], *, only_new: bool) -> bool:
        """See :meth:`redis.CacheClient.set_many`; one round trip for each node."""
        return not self._refusals([set_command(each, only_new=only_new) for each in entries])

    def unlink(self, *keys: str) -> None:
        """See :meth:`redis.CacheClient.unlink`."""
        self._done([("UNLINK", key) for key in keys])

    def ping(self) -> None:
        """Return if a node of the cluster answers."""
        with _translated():
            self._slots.cluster().ping(target_nodes=RedisCluster.RANDOM)

    def close(self) -> None:
        """See :meth:`redis.CacheClient.close`."""
        for node in self._nodes.values():
            node.connection_pool.disconnect()
        self._slots.close()

    def _done(self, commands: Sequence[Command]) -> None:
        for refusal in self._refusals(commands).values():
            raise refusal

    def _refusals(self, commands: Sequence[Command]) -> dict[str, ResponseError]:
        """Send the commands to their nodes; return the keys that were refused, and why."""
        with _translated():
            redirected, refusals, away = self._spread(commands)
            if redirected:
                self._slots.learn()
                redirected, more, gone = self._spread(redirected)
                refusals, away = refusals | more, away + gone
            for command in redirected:  # keys of slots that are on their way to another node
                self._elsewhere(command)
        if away:
            raise NodesAwayError([*away, *refusals])
        return refusals

    def _elsewhere(self, command: Command) -> Any:  # noqa: ANN401 - whatever the command yields
        """Send one command by way of the library, which follows the redirections of a move."""
        return self._slots.cluster().execute_command(*command)  # type: ignore[no-untyped-call]

    def _spread(
        self, commands: Sequence[Command]
    ) -> tuple[list[Command], dict[str, ResponseError], list[str]]:
        """Send the commands to their nodes.

        Returns those to send elsewhere, the refusals by key, and the keys of nodes that are away.
        """
        redirected: list[Command] = []
        refusals: dict[str, ResponseError] = {}
        away: list[str] = []
        for share in self._shares(commands, _key):
            try:
                answers = self._send(share)
            except NodesAwayError:
                away += map(_key, share)
                continue
            for command, answer in zip(share, answers, strict=True):
                if isinstance(answer, AskError):
                    redirected.append(command)
                elif answer is not None:
                    refusals[_key(command)] = answer
        return redirected, refusals, away

    def _shares(self, items: Iterable[T], key_of: Callable[[T], str]) -> Collection[Sequence[T]]:
        """Return the items by the node of their key."""
        shares: dict[str, list[T]] = {}
        for item in items:
            shares.setdefault(self._slots.place_of(key_of(item)), []).append(item)
        return shares.values()

    def _send(self, share: Sequence[Command]) -> list[ResponseError | None]:
        """Send commands whose keys one node holds."""
        return self._routed(_key(share[0]), lambda node: node.send_many(share))

    def _routed(self, key: str, call: Callable[[FastRedis], T]) -> T:
        """Call the node of the key; once more if it turns out to be another one by now.

        Raises:
            NodesAwayError: It does not answer, or did not a moment ago.
            redis.RedisError: Nobody knows what has become of the cluster.
        """
        place = self._slots.place_of(key)
        try:
            return self._called(place, key, call)
        except MovedError:
            self._slots.learn()
        except (RedisConnectionError, RedisTimeoutError) as error:
            self._slots.learn(place)
            if self._slots.place_of(key) == place:
                raise NodesAwayError([key]) from error
        return self._called(self._slots.place_of(key), key, call)

    def _called(self, place: str, key: str, call: Callable[[FastRedis], T]) -> T:
        """Call a node unless it is left alone."""
        circuit = self._circuits.setdefault(place, CircuitBreaker(self._pause))
        if not circuit.allows():
            raise NodesAwayError([key])
        try:
            answer = call(self._node(place))
        except (RedisConnectionError, RedisTimeoutError) as error:
            if circuit.closed:
                _log.warning("a node of the cluster is left alone", node=place, error=str(error))
            circuit.failed()
            raise
        if not circuit.closed:
            _log.info("a node of the cluster answers again", node=place)
            circuit.succeeded()
        return answer

    def _node(self, place: str) -> FastRedis:
        node = self._nodes.get(place)
        if node is None:
            host, _, port = place.rpartition(":")
            node = self._nodes.setdefault(place, self._connect_node(host, int(port)))
        return node


def _key(command: Command) -> str:
    return str(command[1])


@contextmanager
def _translated() -> Iterator[None]:
    """Raise what the library raises outside its own tree, and an answer that means "away"."""
    try:
        yield
    except (RedisClusterException, ClusterDownError) as error:
        raise RedisConnectionError(str(error)) from error


def connect_cluster(
    options: ClientOptions, nodes: Sequence[tuple[str, int]], pause: float
) -> ClusterClient:
    """Return a client of a cluster; connects on first use.

    Args:
        options: A failure costs the timeout once more for each node that is asked in vain what has
            become of the cluster.
        nodes: Host and port of some nodes: the others are learned from them.
        pause: Seconds for which a node is left alone after a failure.
    """
    settings = {**options.pool, **options.login}
    settings.pop("db", None)
    connection = SSLConnection if options.ssl else Connection

    def connect_node(host: str, port: int) -> FastRedis:
        pool = BlockingConnectionPool(  # type: ignore[no-untyped-call]
            connection_class=connection, host=host, port=port, **settings
        )
        return FastRedis(connection_pool=pool)

    def discover() -> RedisCluster:
        alien = {"timeout", "max_connections"}
        return RedisCluster(
            startup_nodes=[ClusterNode(*node) for node in nodes],  # type: ignore[no-untyped-call]
            ssl=options.ssl,
            **{name: value for name, value in settings.items() if name not in alien},
        )

    return ClusterClient(SlotMap(discover, options.timeout), connect_node, pause)
