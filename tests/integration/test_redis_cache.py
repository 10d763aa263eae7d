"""The cache on a real server: lifetimes, garbage, outages; none of it costs a client an error."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from redis import Redis

from order_service.contexts.orders.ports import ABSENT
from order_service.contexts.orders.redis_cache import PREFIX, Lifetimes, RedisCache
from order_service.embedded.valkey import ValkeyServer
from order_service.infra.circuit import CircuitBreaker
from order_service.infra.redis.client import ClientOptions, connect
from order_service.infra.redis.commands import CacheEntry
from tests.backends import free_port
from tests.builders import record
from tests.fakes import Clock

DOCUMENT = record().document
OTHER = record(locale="ru").document
KEY = f"{PREFIX}order-1"
TIMEOUT = 0.1


class Rig:
    """A cache with a circuit whose time is the test's."""

    def __init__(self, url: str, uniform: Callable[[float, float], float] = max) -> None:
        self.failures = 0
        self.clock = Clock()
        self.circuit = CircuitBreaker(pause=1.0, clock=self.clock)
        self.client = connect(ClientOptions(url, TIMEOUT, 4))
        self.cache = RedisCache(
            self.client, Lifetimes(300.0, 0.1, 5.0), self.circuit, self._failed, uniform
        )

    def _failed(self) -> None:
        self.failures += 1


@pytest.fixture
def rig(valkey: Redis, valkey_server: ValkeyServer) -> Iterator[Rig]:
    assert valkey.dbsize() == 0
    made = Rig(valkey_server.environment()["REDIS_URL"])
    yield made
    made.client.close()


def seconds(valkey: Redis, key: str = KEY) -> float:
    """The remaining lifetime."""
    return float(valkey.pttl(key)) / 1000


def test_an_entry_is_the_digest_and_the_body_under_its_versioned_key(
    rig: Rig, valkey: Redis
) -> None:
    rig.cache.fill_found({"order-1": DOCUMENT})
    assert valkey.keys() == [b"order:v1:order-1"]
    assert valkey.get(KEY) == DOCUMENT.digest.encode() + DOCUMENT.body


@pytest.mark.parametrize(("uniform", "ttl"), [(min, 270.0), (max, 330.0)])
@pytest.mark.parametrize("way", ["fill", "fill_many", "put_many"])
def test_lifetimes_vary_by_the_share_of_jitter(
    valkey: Redis,
    valkey_server: ValkeyServer,
    uniform: Callable[[float, float], float],
    ttl: float,
    way: str,
) -> None:
    rig = Rig(valkey_server.environment()["REDIS_URL"], uniform)
    with closing(rig.client):
        if way == "fill":
            rig.cache.fill_found({"order-1": DOCUMENT})
        else:
            getattr(rig.cache, way)([("order-1", DOCUMENT)])
    assert ttl - 10 < seconds(valkey) <= ttl


def test_an_unknown_order_is_forgotten_within_seconds(rig: Rig, valkey: Redis) -> None:
    rig.cache.fill_found({"order-1": ABSENT})
    assert 0 < seconds(valkey) <= 5.0


def test_an_order_that_arrives_has_the_lifetime_of_an_order(rig: Rig, valkey: Redis) -> None:
    rig.cache.fill_found({"order-1": ABSENT})
    rig.cache.put_many([("order-1", DOCUMENT)])
    assert seconds(valkey) > 200


GOOD = DOCUMENT.digest.encode() + DOCUMENT.body


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"garbage",
        DOCUMENT.body,
        DOCUMENT.digest.encode(),
        GOOD[:-1],
        GOOD + b" ",
        OTHER.digest.encode() + DOCUMENT.body,
        b"\x00\xff" * 500,
        b"ABSENT",
    ],
)
def test_garbage_is_a_miss_and_makes_room_for_the_truth(
    rig: Rig, valkey: Redis, garbage: bytes
) -> None:
    valkey.set(KEY, garbage)
    assert rig.cache.get("order-1") is None
    rig.cache.fill_found({"order-1": DOCUMENT})
    assert rig.cache.get("order-1") == DOCUMENT
    assert rig.circuit.closed


@pytest.mark.parametrize("command", ["rpush", "sadd", "pfadd"])
def test_a_value_of_another_type_is_a_miss_and_makes_room_for_the_truth(
    rig: Rig, valkey: Redis, command: str
) -> None:
    getattr(valkey, command)(KEY, "x")
    assert rig.cache.get("order-1") is None
    rig.cache.fill_found({"order-1": DOCUMENT})
    assert rig.cache.get("order-1") == DOCUMENT
    assert rig.circuit.closed


def test_ingest_overwrites_even_a_value_of_another_type(rig: Rig, valkey: Redis) -> None:
    valkey.rpush(KEY, "x")
    rig.cache.put_many([("order-1", DOCUMENT)])
    assert rig.cache.get("order-1") == DOCUMENT


def assert_cheap(rig: Rig) -> None:
    """The first call costs at most its timeout, all others next to nothing."""
    start = time.monotonic()
    assert rig.cache.get("order-1") is None
    first = time.monotonic() - start
    for number in range(200):
        assert rig.cache.get(f"order-{number}") is None
        rig.cache.fill_found({"order-1": DOCUMENT})
    others = time.monotonic() - start - first
    # Far more than they take, for a machine that is busy with other things, and still far less
    # than the timeout for each of 400 calls, or than one without any.
    assert first < TIMEOUT + 2
    assert others < 2
    assert rig.failures == 1
    assert not rig.circuit.closed


def test_a_server_that_hangs_costs_its_timeout_once(rig: Rig, valkey_server: ValkeyServer) -> None:
    rig.cache.fill_found({"order-1": DOCUMENT})
    valkey_server.suspend()
    try:
        assert_cheap(rig)
        rig.clock.now += 1.0
        assert rig.cache.get("order-1") is None
        assert rig.failures == 2
    finally:
        valkey_server.resume()
    rig.clock.now += 1.0
    assert rig.cache.get("order-1") == DOCUMENT
    assert rig.circuit.closed


def test_a_server_that_is_not_there_costs_next_to_nothing() -> None:
    rig = Rig(f"redis://127.0.0.1:{free_port()}/0")
    with closing(rig.client):
        assert_cheap(rig)


def test_a_restarted_server_is_used_at_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = ValkeyServer(tmp_path_factory.mktemp("own-valkey"))
    server.start()
    rig = Rig(server.environment()["REDIS_URL"])
    try:
        rig.cache.fill_found({"order-1": DOCUMENT})
        server.kill()
        server.start()
        assert rig.cache.get("order-1") is None
        rig.cache.put_many([("order-1", OTHER)])
        assert rig.cache.get("order-1") == OTHER
        assert rig.failures == 0
    finally:
        rig.client.close()
        server.stop()


def test_a_full_server_keeps_what_it_has_and_is_asked_on(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    server = ValkeyServer(tmp_path_factory.mktemp("full"), max_memory_policy="noeviction")
    server.start()
    rig = Rig(server.environment()["REDIS_URL"])
    try:
        rig.cache.fill_found({"order-1": DOCUMENT})
        with closing(Redis(port=server.port)) as admin:
            admin.config_set("maxmemory", "1")
            rig.cache.fill_found({"order-2": DOCUMENT})
            assert not rig.cache.fill_many([("order-2", DOCUMENT), ("order-3", DOCUMENT)])
            assert rig.cache.get("order-1") == DOCUMENT
            # The newer content cannot be kept, so the older must not be served.
            rig.cache.put_many([("order-1", OTHER)])
            assert rig.cache.get("order-1") is None
            assert rig.circuit.closed
            admin.config_set("maxmemory", "0")
        rig.cache.put_many([("order-1", OTHER)])
        assert rig.cache.get("order-1") == OTHER
    finally:
        rig.client.close()
        server.stop()


def test_deletions_to_be_made_are_bounded_and_the_oldest_are_left_to_their_lifetime(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RedisCache, "MAX_STALE", 2)
    for uid in ("a", "b", "c"):
        rig.cache.fill_found({uid: DOCUMENT})
    rig.circuit.failed()
    for uid in ("a", "b", "c"):
        rig.cache.put_many([(uid, OTHER)])
    rig.clock.now += 1.0
    rig.cache.drop_stale()
    assert [rig.cache.get(uid) for uid in ("a", "b", "c")] == [DOCUMENT, None, None]


def test_a_thousand_entries_are_set_and_an_absence_among_them_kept_for_readers(
    rig: Rig, valkey: Redis
) -> None:
    rig.cache.fill_found({"order-5": ABSENT})
    assert rig.cache.fill_many([(f"order-{number}", DOCUMENT) for number in range(1000)])
    assert valkey.dbsize() == 1000
    assert rig.cache.get("order-5") is ABSENT
    rig.cache.put_many([(f"order-{number}", OTHER) for number in range(1000)])
    assert all(rig.cache.get(f"order-{number}") == OTHER for number in range(1000))


@pytest.mark.parametrize("fills", [1, 99, 100, 101, 250])
def test_answers_that_nobody_waited_for_are_not_taken_for_that_of_the_next_question(
    valkey_server: ValkeyServer, valkey: Redis, fills: int
) -> None:
    valkey.set("known", b"before")
    options = ClientOptions(f"redis://127.0.0.1:{valkey_server.port}", 1.0, 2)
    with closing(connect(options)) as client:
        client.set_new(CacheEntry("known", b"after", 60_000))
        for number in range(fills):
            client.set_new(CacheEntry(f"key-{number}", b"%d" % number, 60_000))
        assert client.fast_get("known") == b"before"
        assert client.fast_get("nobody") is None
        assert client.fast_get(f"key-{fills - 1}") == b"%d" % (fills - 1)
        assert client.set_many([CacheEntry("a", b"1", 60_000)], only_new=False)
        assert client.fast_get("a") == b"1"


def test_a_refusal_that_nobody_waited_for_does_no_harm(
    valkey_server: ValkeyServer, valkey: Redis
) -> None:
    valkey.set("known", b"before")
    options = ClientOptions(f"redis://127.0.0.1:{valkey_server.port}", 1.0, 2)
    with closing(connect(options)) as client:
        client.set_new(CacheEntry("refused", b"value", -1))
        assert client.fast_get("known") == b"before"
        assert client.fast_get("refused") is None
