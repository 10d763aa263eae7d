"""The cache on a master that Sentinel watches, through the failovers that it is there for."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import NamedTuple

import pytest

from order_service.context.backends import connect_redis
from order_service.contexts.orders.lookup import Caches, Lookup
from order_service.contexts.orders.ports import Level
from order_service.contexts.orders.redis_cache import PREFIX, Lifetimes, RedisCache
from order_service.infra.circuit import CircuitBreaker
from order_service.infra.local_cache import LocalCache
from order_service.infra.redis.client import CacheClient
from tests.backends import config_of
from tests.builders import record
from tests.fakes import MemoryOrders
from tests.metrics import Metrics
from tests.redis_servers import MASTER, PATIENCE, QUICK_SYNC, Node, SentinelServer
from tests.servers import started
from tests.waiting import eventually

OLD = record("order-1")
NEW = record("order-1", offset=1, locale="ru")


class Watched(NamedTuple):
    """A master, its replica, and three sentinels of which two must agree."""

    nodes: list[Node]
    sentinels: list[SentinelServer]

    def masters(self) -> list[Node]:
        return [node for node in self.nodes if node.is_master()]

    def are_settled(self) -> bool:
        """Whether there is one master with a replica in step, as all sentinels know."""
        well = [sentinel.knows(sentinels=2, replicas=1) for sentinel in self.sentinels]
        return all(well) and [node.links() for node in self.masters()] == [1]

    def environment(self) -> dict[str, str]:
        addresses = ",".join(sentinel.address for sentinel in self.sentinels)
        return {"REDIS_SENTINELS": addresses, "REDIS_SENTINEL_MASTER": MASTER} | PATIENCE


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with ExitStack() as servers:
        first = Node(tmp_path_factory.mktemp("first"), *QUICK_SYNC)
        servers.enter_context(started(first))
        of_first = ("--replicaof", f"127.0.0.1 {first.port}")
        second = Node(tmp_path_factory.mktemp("second"), *QUICK_SYNC, *of_first)
        servers.enter_context(started(second))
        sentinels = [
            SentinelServer(tmp_path_factory.mktemp("sentinel"), first, quorum=2) for _ in range(3)
        ]
        for sentinel in sentinels:
            servers.enter_context(started(sentinel))
        yield Watched([first, second], sentinels)


@pytest.fixture
def master(watched: Watched) -> Node:
    """The master of a pair that is in step."""
    eventually(watched.are_settled, 30, "the sentinels have settled")
    [node] = watched.masters()
    node.ask("FLUSHALL")
    return node


@pytest.fixture
def client(watched: Watched, master: Node) -> Iterator[CacheClient]:
    assert master.alive()
    with closing(connect_redis(config_of(watched.environment()).redis)) as client:
        yield client


@pytest.fixture
def cache(client: CacheClient) -> RedisCache:
    return RedisCache(client, Lifetimes(300.0, 0.1, 5.0), CircuitBreaker(pause=0.1))


def test_the_cache_stands_on_the_master(cache: RedisCache, master: Node) -> None:
    cache.put_many([("order-1", NEW.document)])
    cache.fill_found({"order-1": OLD.document})
    assert cache.get("order-1") == NEW.document
    assert master.ask("EXISTS", f"{PREFIX}order-1") == 1
    cache.forget_many(["order-1"])
    assert cache.get("order-1") is None


def test_a_failover_on_request_costs_no_lookup_and_no_later_write(
    watched: Watched, master: Node, cache: RedisCache
) -> None:
    cache.put_many([("order-1", OLD.document)])
    watched.sentinels[0].ask("SENTINEL", "FAILOVER", MASTER, "COORDINATED")
    eventually(lambda: watched.masters() and master not in watched.masters(), 30, "a new master")
    eventually(lambda: stored(cache), 10, "the new master takes what ingest stores")
    [successor] = watched.masters()
    assert successor.ask("EXISTS", f"{PREFIX}order-1") == 1


def stored(cache: RedisCache) -> bool:
    cache.put_many([("order-1", NEW.document)])
    return cache.get("order-1") == NEW.document


def test_the_death_of_the_master_costs_lookups_no_error(master: Node, cache: RedisCache) -> None:
    orders = MemoryOrders()
    orders.save([NEW])
    lookup = Lookup(orders, Caches(LocalCache(0, 1.0), cache), Metrics().lookup)
    assert lookup.find("order-1").level is Level.MISS
    assert lookup.find("order-1").level is Level.HIT
    master.kill()
    assert lookup.find("order-1").document == NEW.document
    eventually(lambda: lookup.find("order-1").level is Level.HIT, 30, "the new master answers")
    master.start()  # for the sentinels to make it a replica


def test_sentinels_that_are_away_are_passed_over(
    watched: Watched, client: CacheClient, master: Node
) -> None:
    watched.sentinels[0].kill()
    master.ask("SET", "key", "value")
    assert client.fast_get("key") == b"value"
    watched.sentinels[0].start()


def test_a_master_that_no_sentinel_knows_is_a_cache_that_is_away(
    watched: Watched, master: Node
) -> None:
    assert master.alive()
    environ = watched.environment() | {"REDIS_SENTINEL_MASTER": "another"}
    with closing(connect_redis(config_of(environ).redis)) as client:
        cache = RedisCache(client, Lifetimes(300.0, 0.1, 5.0), CircuitBreaker(pause=0.0))
        cache.put_many([("order-1", NEW.document)])
        assert cache.get("order-1") is None
