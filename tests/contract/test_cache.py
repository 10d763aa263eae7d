"""What every OrderCache keeps: the one in memory and the one on Redis alike."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from redis import Redis

from order_service.contexts.orders.ports import ABSENT, OrderCache
from order_service.contexts.orders.redis_cache import Lifetimes, RedisCache
from order_service.embedded.valkey import ValkeyServer
from order_service.infra.circuit import CircuitBreaker
from order_service.infra.redis.client import ClientOptions, connect
from tests.builders import record
from tests.fakes import MemoryCache

OLD = record(locale="en").document
NEW = record(locale="ru").document
UID = "order-1"


class Rig(NamedTuple):
    """A cache and the switch of what it stands on."""

    cache: OrderCache
    cut: Callable[[], None]
    mend: Callable[[], None]


def memory() -> Rig:
    cache = MemoryCache()
    return Rig(cache, lambda: setattr(cache, "away", True), lambda: setattr(cache, "away", False))


@pytest.fixture
def redis_rig(valkey: Redis, valkey_server: ValkeyServer) -> Iterator[Rig]:
    """A real cache; cutting it makes the server hang. The circuit tries again at once."""
    assert valkey.dbsize() == 0
    client = connect(ClientOptions(valkey_server.environment()["REDIS_URL"], 0.5, 4))
    cache = RedisCache(client, Lifetimes(300.0, 0.1, 5.0), CircuitBreaker(pause=0.0))
    yield Rig(cache, valkey_server.suspend, valkey_server.resume)
    valkey_server.resume()
    client.close()


@pytest.fixture(params=["memory", "redis"])
def rig(request: pytest.FixtureRequest) -> Rig:
    return memory() if request.param == "memory" else request.getfixturevalue("redis_rig")


@pytest.fixture
def cache(rig: Rig) -> OrderCache:
    return rig.cache


def test_nothing_is_known_at_first(cache: OrderCache) -> None:
    assert cache.get(UID) is None


def test_what_a_reader_filled_is_there(cache: OrderCache) -> None:
    cache.fill_found({UID: OLD})
    assert cache.get(UID) == OLD
    assert cache.get("order-2") is None


def test_many_are_asked_for_at_once(cache: OrderCache) -> None:
    cache.fill_found({"order-1": OLD})
    cache.fill_found({"order-2": ABSENT})
    found = cache.get_many(["order-1", "order-2", "order-3"])
    assert found == {"order-1": OLD, "order-2": ABSENT}


def test_what_a_reader_found_of_many_is_there_unless_something_was_before(
    cache: OrderCache,
) -> None:
    cache.put_many([("order-1", NEW), ("order-2", NEW)])
    cache.fill_found({"order-1": OLD, "order-2": ABSENT, "order-3": OLD, "order-4": ABSENT})
    found = cache.get_many([f"order-{number}" for number in range(1, 5)])
    assert found == {"order-1": NEW, "order-2": NEW, "order-3": OLD, "order-4": ABSENT}


def test_a_late_reader_does_not_overwrite_what_ingest_put(cache: OrderCache) -> None:
    cache.put_many([(UID, NEW)])
    cache.fill_found({UID: OLD})
    assert cache.get(UID) == NEW


def test_a_late_reader_does_not_make_an_order_unknown(cache: OrderCache) -> None:
    cache.put_many([(UID, NEW)])
    cache.fill_found({UID: ABSENT})
    assert cache.get(UID) == NEW


def test_ingest_overwrites_what_readers_filled(cache: OrderCache) -> None:
    cache.fill_found({UID: OLD})
    cache.put_many([(UID, NEW)])
    assert cache.get(UID) == NEW


def test_an_unknown_order_is_remembered_as_such(cache: OrderCache) -> None:
    cache.fill_found({UID: ABSENT})
    assert cache.get(UID) is ABSENT


def test_an_unknown_order_is_known_the_moment_that_it_arrives(cache: OrderCache) -> None:
    cache.fill_found({UID: ABSENT})
    cache.put_many([(UID, NEW)])
    assert cache.get(UID) == NEW


def test_a_warm_up_fills_only_what_is_missing(cache: OrderCache) -> None:
    cache.put_many([(UID, NEW)])
    assert cache.fill_many([(UID, OLD), ("order-2", OLD)])
    assert cache.get(UID) == NEW
    assert cache.get("order-2") == OLD


def test_nothing_to_put_or_fill_is_no_failure(cache: OrderCache) -> None:
    cache.put_many([])
    assert cache.fill_many([])


def test_a_cache_that_is_away_knows_nothing_takes_nothing_and_never_raises(rig: Rig) -> None:
    rig.cache.fill_found({UID: OLD})
    rig.cut()
    assert rig.cache.get(UID) is None
    assert not rig.cache.get_many([UID, "order-2"])
    rig.cache.fill_found({"order-2": OLD, "order-3": ABSENT})
    rig.cache.fill_found({"order-2": OLD})
    rig.cache.fill_found({"order-3": ABSENT})
    assert not rig.cache.fill_many([("order-2", OLD)])
    rig.cache.put_many([("order-2", OLD)])
    rig.cache.drop_stale()


def test_after_an_outage_no_older_content_is_served_than_before(rig: Rig) -> None:
    rig.cache.fill_found({UID: OLD})
    rig.cut()
    rig.cache.put_many([(UID, NEW)])
    rig.mend()
    rig.cache.drop_stale()
    assert rig.cache.get(UID) is None
    rig.cache.fill_found({UID: NEW})
    rig.cache.drop_stale()
    assert rig.cache.get(UID) == NEW


def test_the_next_batch_deletes_what_the_outage_left(rig: Rig) -> None:
    rig.cache.fill_found({UID: OLD})
    rig.cut()
    rig.cache.put_many([(UID, NEW)])
    rig.mend()
    rig.cache.put_many([("order-2", NEW)])
    assert rig.cache.get(UID) is None
    assert rig.cache.get("order-2") == NEW


def test_what_is_forgotten_can_be_filled_anew(cache: OrderCache) -> None:
    cache.fill_found({UID: OLD})
    cache.fill_found({"order-2": OLD})
    cache.forget_many([UID, "never cached"])
    assert cache.get(UID) is None
    assert cache.get("order-2") == OLD
    cache.fill_found({UID: NEW})
    assert cache.get(UID) == NEW


def test_nothing_to_forget_is_no_failure(cache: OrderCache) -> None:
    cache.forget_many([])


def test_what_could_not_be_forgotten_is_forgotten_after_the_outage(rig: Rig) -> None:
    rig.cache.fill_found({UID: OLD})
    rig.cut()
    rig.cache.forget_many([UID])
    rig.mend()
    rig.cache.drop_stale()
    assert rig.cache.get(UID) is None


def test_an_order_that_is_put_again_after_an_outage_stays(rig: Rig) -> None:
    rig.cut()
    rig.cache.put_many([(UID, OLD)])
    rig.mend()
    rig.cache.drop_stale()
    rig.cache.put_many([(UID, NEW)])
    assert rig.cache.get(UID) == NEW
