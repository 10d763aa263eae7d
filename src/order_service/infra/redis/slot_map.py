"""Which node of a Redis Cluster holds a key, as the nodes themselves say."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from redis import ConnectionError as RedisConnectionError
from redis.cluster import RedisCluster
from redis.crc import key_slot
from redis.exceptions import RedisClusterException


class SlotMap:
    """The map of slots, which the library keeps; learned when it is first asked for. Thread-safe.

    Args:
        discover: Returns the library's client; connects, so that it may fail.
        timeout: Longest wait for another thread that learns the map, in seconds.
    """

    def __init__(self, discover: Callable[[], RedisCluster], timeout: float) -> None:
        self._discover = discover
        self._cluster: RedisCluster | None = None
        self._timeout = timeout
        self._learning = threading.Lock()

    def place_of(self, key: str) -> str:
        """Return ``host:port`` of the node that holds the key."""
        node = self.cluster().nodes_manager.get_node_from_slot(key_slot(key.encode()))
        name: str = node.name
        return name

    def cluster(self) -> RedisCluster:
        """Return the library's client, which has the map."""
        cluster = self._cluster
        if cluster is None:
            with self._one_learner():
                cluster = self._cluster = self._cluster or self._discover()
        return cluster

    def learn(self, failed: str | None = None) -> None:
        """Ask the nodes for the map anew, the failed one last."""
        cluster = self.cluster()
        with self._one_learner():
            try:
                cluster.nodes_manager.initialize(last_failed_node_name=failed)
            except RedisClusterException:
                # None of the nodes that were there: begin with those of the configuration.
                self._cluster = None
                raise

    def close(self) -> None:
        """Close the library's connections."""
        if self._cluster is not None:
            self._cluster.close()

    @contextmanager
    def _one_learner(self) -> Iterator[None]:
        """Let one thread at a time learn: in an outage each would wait for the one before it."""
        if not self._learning.acquire(timeout=self._timeout):
            raise RedisConnectionError("the map of the cluster is being learned")
        try:
            yield
        finally:
            self._learning.release()
