"""Every fault of Redis: answers stay right, and hardly become slower."""

import time
from collections.abc import Callable

import pytest

from producer.message import Message
from tests.chaos.feed import Feed, orders
from tests.chaos.service import Service
from tests.chaos.stack import Stack
from tests.waiting import eventually

PREFIX = "order:v1:"


@pytest.fixture(scope="module")
def api(stack: Stack) -> Service:
    """An API without its in-process cache, so that each lookup meets Redis."""
    api = stack.api(ORDERS_CACHE_LOCAL_SIZE="0", ORDERS_CACHE_WARM_UP="0")
    api.await_status(200, 30)
    return api


@pytest.fixture(scope="module")
def stored(stack: Stack, feed: Feed) -> list[str]:
    messages = orders(11, 60)
    feed.send(messages)
    stack.await_drained()
    return [uid_of(message) for message in messages]


def uid_of(message: Message) -> str:
    return message.key.decode()


def kill(stack: Stack) -> Callable[[], None]:
    stack.valkey.kill()
    return stack.valkey.start


def hang(stack: Stack) -> Callable[[], None]:
    stack.valkey.suspend()
    return stack.valkey.resume


def fill_up(stack: Stack) -> Callable[[], None]:
    with stack.redis as redis:
        redis.config_set("maxmemory-policy", "noeviction")
        redis.config_set("maxmemory", "1")

    def make_room() -> None:
        with stack.redis as redis:
            redis.config_set("maxmemory", "256mb")

    return make_room


def read_only(stack: Stack) -> Callable[[], None]:
    with stack.redis as redis:
        redis.config_set("replica-serve-stale-data", "yes")
        redis.replicaof("127.0.0.1", 1)

    def write_again() -> None:
        with stack.redis as redis:
            redis.replicaof("NO", "ONE")

    return write_again


def slow(stack: Stack) -> Callable[[], None]:
    stack.valkey_proxy.delay = 0.5
    return stack.valkey_proxy.heal


@pytest.mark.parametrize(
    "fault", [kill, hang, fill_up, read_only, slow], ids=lambda fault: fault.__name__
)
def test_answers_stay_right_and_ingest_goes_on(
    stack: Stack,
    feed: Feed,
    api: Service,
    stored: list[str],
    fault: Callable[[Stack], Callable[[], None]],
) -> None:
    mend = fault(stack)
    try:
        _meet(stack, feed, api, stored)
    finally:
        mend()
    eventually(lambda: api.part("redis").get("ok"), 10, "redis is well")
    stack.check_set(feed)


def _meet(stack: Stack, feed: Feed, api: Service, stored: list[str]) -> None:
    """Ask for old and new orders while the fault lasts."""
    slowest = sorted(_seconds(api, uid) for uid in stored)
    assert slowest[len(slowest) // 2] < 0.1, "most lookups wait for Redis' timeout"
    assert slowest[-1] < 2.0
    fresh = orders(time.monotonic_ns(), 50)
    feed.send(fresh)
    stack.await_drained()
    assert [api.get(f"/order/{uid_of(message)}").status for message in fresh] == [200] * 50
    assert api.get("/order/unknown-uid").status == 404


def _seconds(api: Service, uid: str) -> float:
    began = time.monotonic()
    assert api.get(f"/order/{uid}").status == 200
    return time.monotonic() - began


def await_cache(api: Service, uid: str) -> None:
    """A test before may have left the circuit open, in which the cache is not asked."""
    eventually(
        lambda: api.get(f"/order/{uid}").headers["X-Cache"] == "hit", 10, "the cache is asked"
    )


@pytest.mark.parametrize(
    "value", [b"", b"\x00" * 40, b'{"order_uid": "half', b"0" * 32 + b"{}", b"absent "]
)
def test_garbage_in_the_cache_is_replaced(
    stack: Stack, api: Service, stored: list[str], value: bytes
) -> None:
    await_cache(api, stored[0])
    with stack.redis as redis:
        redis.set(PREFIX + stored[0], value)
    first, second = (api.get(f"/order/{stored[0]}") for _ in range(2))
    assert (first.status, second.status) == (200, 200)
    assert first.json()["order_uid"] == stored[0]
    assert second.headers["X-Cache"] == "hit"
    assert first.body == second.body


def test_a_value_of_another_type_is_replaced(stack: Stack, api: Service, stored: list[str]) -> None:
    await_cache(api, stored[1])
    with stack.redis as redis:
        redis.delete(PREFIX + stored[1])
        redis.lpush(PREFIX + stored[1], "a list")
    assert api.get(f"/order/{stored[1]}").status == 200
    assert api.get(f"/order/{stored[1]}").headers["X-Cache"] == "hit"


def test_a_flush_under_load_costs_no_answer(
    stack: Stack, feed: Feed, api: Service, stored: list[str]
) -> None:
    feed.flow(500)
    with stack.redis as redis:
        for _ in range(20):
            redis.flushall()
            assert {api.get(f"/order/{uid}").status for uid in stored[:10]} == {200}
    stack.check_set(feed)


def test_an_order_that_changed_while_redis_was_away_is_not_served_old(
    stack: Stack, feed: Feed, api: Service
) -> None:
    (message,) = orders(21, 1)
    uid = uid_of(message)
    feed.send([message])
    stack.await_drained()
    assert api.get(f"/order/{uid}").status == 200
    with stack.redis as redis:
        assert redis.exists(PREFIX + uid)
    stack.valkey_proxy.hang()
    changed = message.value.replace(b'"entry":"WBIL"', b'"entry":"NEWER"')
    feed.send([Message(message.key, changed, valid=True, kind="changed")])
    stack.await_drained()
    assert api.get(f"/order/{uid}").json()["entry"] == "NEWER", "Redis is away: from the database"
    stack.valkey_proxy.heal()
    eventually(lambda: api.part("redis").get("ok"), 10, "redis is well")
    eventually(lambda: _entry(api, uid) == "NEWER", 5, "the old entry is gone")


def _entry(api: Service, uid: str) -> str:
    return str(api.get(f"/order/{uid}").json()["entry"])


def test_a_hung_redis_costs_its_timeout_once_per_open_circuit(
    stack: Stack, api: Service, stored: list[str]
) -> None:
    lookup = f"/order/{stored[0]}"
    eventually(lambda: api.get(lookup).headers["X-Cache"] == "hit", 5, "Redis is asked again")
    stack.valkey.suspend()
    try:
        seconds = [_seconds(api, stored[0]) for _ in range(100)]
    finally:
        stack.valkey.resume()
    paid = [each for each in seconds if each > 0.09]
    assert 1 <= len(paid) <= 2, "the circuit opens with the first timeout, for a second"
    assert max(seconds) < 0.3
    eventually(lambda: api.part("redis").get("ok"), 10, "redis is well")
