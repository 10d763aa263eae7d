"""The cache on a Redis Cluster: keys on all nodes, slots on the move, nodes that die."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import NamedTuple

import pytest
from redis.crc import key_slot

from order_service.context.backends import connect_redis
from order_service.contexts.orders.lookup import Caches, Lookup
from order_service.contexts.orders.model import Document
from order_service.contexts.orders.ports import ABSENT, Level
from order_service.contexts.orders.redis_cache import PREFIX, Lifetimes, RedisCache
from order_service.infra.circuit import CircuitBreaker
from order_service.infra.local_cache import LocalCache
from order_service.infra.redis.client import CacheClient
from tests.backends import config_of
from tests.builders import record
from tests.fakes import MemoryOrders
from tests.metrics import Metrics
from tests.redis_servers import PATIENCE, SLOTS, ClusterNode
from tests.servers import started
from tests.waiting import eventually

UIDS = [f"order-{number}" for number in range(60)]
OLD = record(locale="en").document
NEW = record(locale="ru").document


class Cluster(NamedTuple):
    """Three masters with a third of the slots each, and a replica of the first."""

    masters: list[ClusterNode]
    replica: ClusterNode

    def environment(self) -> dict[str, str]:
        addresses = ",".join(node.address for node in self.masters)
        return {"REDIS_CLUSTER_NODES": addresses} | PATIENCE

    def is_well(self) -> bool:
        nodes = [*self.masters, self.replica]
        return all(node.is_in_whole_cluster() for node in nodes) and self.masters[0].links() == 1

    def holder(self, uid: str) -> ClusterNode:
        """The master that has the key of an order."""
        [node] = [node for node in self.masters if slot_of(uid) in slots(self.masters.index(node))]
        return node


def slots(number: int) -> range:
    """The slots of a master."""
    return range(SLOTS * number // 3, SLOTS * (number + 1) // 3)


def slot_of(uid: str) -> int:
    return int(key_slot((PREFIX + uid).encode()))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with ExitStack() as servers:
        nodes = [ClusterNode(tmp_path_factory.mktemp("node")) for _ in range(4)]
        for node in nodes:
            servers.enter_context(started(node))
        cluster = Cluster(nodes[:3], nodes[3])
        join(cluster)
        yield cluster


def join(cluster: Cluster) -> None:
    first, *_ = cluster.masters
    for number, master in enumerate(cluster.masters):
        share = slots(number)
        master.ask("CLUSTER", "ADDSLOTSRANGE", share.start, share.stop - 1)
    for node in (*cluster.masters[1:], cluster.replica):
        node.meet(first)
    eventually(lambda: cluster.replica.knows_node(first.node_id()), 20, "the nodes have met")
    cluster.replica.ask("CLUSTER", "REPLICATE", first.node_id())
    eventually(cluster.is_well, 30, "the cluster is well")


@pytest.fixture
def client(cluster: Cluster) -> Iterator[CacheClient]:
    eventually(cluster.is_well, 30, "the cluster is well")
    for master in cluster.masters:
        master.ask("FLUSHALL")
    with closing(connect_redis(config_of(cluster.environment()).redis)) as client:
        yield client


@pytest.fixture
def cache(client: CacheClient) -> RedisCache:
    return make_cache(client)


def make_cache(client: CacheClient) -> RedisCache:
    return RedisCache(client, Lifetimes(300.0, 0.1, 5.0), CircuitBreaker(pause=0.1))


def put(cache: RedisCache, document: Document) -> None:
    cache.put_many([(uid, document) for uid in UIDS])


def test_a_batch_is_spread_over_all_nodes_and_found_again(
    cluster: Cluster, cache: RedisCache
) -> None:
    put(cache, NEW)
    assert [cache.get(uid) for uid in UIDS] == [NEW] * len(UIDS)
    sizes = [master.ask("DBSIZE") for master in cluster.masters]
    assert all(sizes)
    assert sum(map(int, map(str, sizes))) == len(UIDS)


def test_readers_do_not_overwrite_and_what_is_forgotten_is_gone(cache: RedisCache) -> None:
    put(cache, NEW)
    assert cache.fill_many([(uid, OLD) for uid in UIDS])
    cache.fill_found({UIDS[0]: OLD})
    cache.fill_found({UIDS[1]: ABSENT})
    assert [cache.get(uid) for uid in UIDS] == [NEW] * len(UIDS)
    cache.forget_many(UIDS)
    assert [cache.get(uid) for uid in UIDS] == [None] * len(UIDS)
    cache.fill_found({UIDS[1]: ABSENT})
    assert cache.get(UIDS[1]) is ABSENT


def test_many_are_read_from_all_nodes_at_once(cache: RedisCache) -> None:
    cache.fill_found(dict.fromkeys(UIDS[1:], NEW) | {UIDS[0]: ABSENT})
    found = cache.get_many([*UIDS, "never-cached"])
    assert found == dict.fromkeys(UIDS[1:], NEW) | {UIDS[0]: ABSENT}


def test_entries_that_a_node_refuses_are_told(cluster: Cluster, client: CacheClient) -> None:
    cache = make_cache(client)
    full = cluster.masters[0]
    full.ask("CONFIG", "SET", "maxmemory", 1, "maxmemory-policy", "noeviction")
    try:
        assert not cache.fill_many([(uid, NEW) for uid in UIDS])
        found = {uid for uid in UIDS if cache.get(uid) == NEW}
        assert found == {uid for uid in UIDS if cluster.holder(uid) is not full}
    finally:
        full.ask("CONFIG", "SET", "maxmemory", 0)


def test_a_slot_on_its_way_to_another_node_is_read_and_written_where_its_keys_are(
    cluster: Cluster, cache: RedisCache
) -> None:
    put(cache, OLD)
    uid = UIDS[0]
    source = cluster.holder(uid)
    target = next(node for node in cluster.masters if node is not source)
    slot = slot_of(uid)
    target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.node_id())
    source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.node_id())
    source.ask("MIGRATE", "127.0.0.1", target.port, PREFIX + uid, 0, 5000)
    assert cache.get(uid) == OLD
    put(cache, NEW)
    assert [cache.get(each) for each in UIDS] == [NEW] * len(UIDS)
    hand_over(cluster, slot, target)
    assert cache.get(uid) == NEW
    put(cache, OLD)
    assert [cache.get(each) for each in UIDS] == [OLD] * len(UIDS)
    target.ask("DEL", PREFIX + uid)
    source.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", target.node_id())
    hand_over(cluster, slot, source)
    put(cache, NEW)
    assert [cache.get(each) for each in UIDS] == [NEW] * len(UIDS)


def hand_over(cluster: Cluster, slot: int, target: ClusterNode) -> None:
    """Give a slot to a node that imports it.

    Told first, it raises its epoch; or what the one before has gossiped may take the slot back.
    """
    others = (node for node in cluster.masters if node is not target)
    for node in (target, *others):
        node.ask("CLUSTER", "SETSLOT", slot, "NODE", target.node_id())


def test_a_node_that_hangs_costs_a_batch_a_moment_and_the_others_nothing(
    cluster: Cluster, cache: RedisCache
) -> None:
    put(cache, OLD)
    hung = cluster.masters[2]
    hung.suspend()
    try:
        began = time.monotonic()
        put(cache, NEW)
        found = {uid: cache.get(uid) for uid in UIDS}
        assert time.monotonic() - began < 5.0  # not a timeout for each of the orders
    finally:
        hung.resume()
    assert found == {uid: None if cluster.holder(uid) is hung else NEW for uid in UIDS}
    eventually(cluster.is_well, 30, "the cluster is well")
    eventually(lambda: settled(cache), 10, "what was owed is made up for")


def settled(cache: RedisCache) -> bool:
    """Whether no order is cached any more as it was before the outage."""
    cache.drop_stale()
    cache.fill_many([(uid, NEW) for uid in UIDS])
    return all(cache.get(uid) == NEW for uid in UIDS)


def test_the_death_of_a_master_costs_lookups_no_error(cluster: Cluster, cache: RedisCache) -> None:
    orders = MemoryOrders()
    orders.save([record(uid) for uid in UIDS])
    lookup = Lookup(orders, Caches(LocalCache(0, 1.0), cache), Metrics().lookup)
    dying = cluster.masters[0]
    uid = next(uid for uid in UIDS if cluster.holder(uid) is dying)
    assert lookup.find(uid).level is Level.MISS
    assert lookup.find(uid).level is Level.HIT
    dying.kill()
    assert lookup.find(uid).document == record(uid).document
    eventually(lambda: lookup.find(uid).level is Level.HIT, 30, "the replica has taken over")
    assert cluster.replica.is_master()
    dying.start()


def test_a_cluster_that_is_away_is_a_cache_that_is_away() -> None:
    with closing(connect_redis(config_of({"REDIS_CLUSTER_NODES": "127.0.0.1:1"}).redis)) as client:
        cache = make_cache(client)
        put(cache, NEW)
        assert cache.get(UIDS[0]) is None
