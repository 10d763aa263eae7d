"""Lookups while their backends fail: cached orders are answered, and nobody waits for long."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.chaos.feed import orders
from tests.chaos.proxy import TcpProxy
from tests.chaos.service import Answer, Service
from tests.chaos.stack import Stack
from tests.waiting import eventually

CROWD = 30
QUEUE = 4  # one asks the database and three may wait for its answer, however long it takes


@pytest.fixture(scope="module")
def stored(stack: Stack) -> list[str]:
    messages = orders(31, 200)
    consumer = stack.consumer()
    consumer.await_status(200, 30)
    with stack.feed() as feed:
        feed.send(messages)
    stack.await_drained()
    consumer.stop()
    return [message.key.decode() for message in messages]


@pytest.fixture
def api(stack: Stack, stored: list[str]) -> Iterator[Service]:
    """An API with the first ten orders in Redis and no other."""
    with stack.redis as redis:
        redis.flushall()
    # The proxy in front of Redis shares an interpreter with the crowd, which may keep it waiting:
    # for less than the tests allow, but for longer than a Redis that is well.
    api = stack.api(ORDERS_CACHE_LOCAL_SIZE="0", ORDERS_CACHE_WARM_UP="0", REDIS_TIMEOUT="5")
    api.await_status(200, 30)
    for uid in stored[:10]:
        assert api.get(f"/order/{uid}").status == 200
    with stack.redis as redis:
        eventually(lambda: redis.dbsize() == 10, 5, "the ten are in Redis")
    yield api
    assert api.stop() == 0


def killed(stack: Stack) -> Callable[[], None]:
    stack.postgres.kill()
    return stack.postgres.start


def frozen(stack: Stack) -> Callable[[], None]:
    stack.postgres.suspend()
    stack.postgres_proxy.hang()

    def thaw() -> None:
        stack.postgres.resume()
        stack.postgres_proxy.heal()

    return thaw


@pytest.mark.parametrize("fault", [killed, frozen], ids=lambda fault: fault.__name__)
def test_cached_orders_are_served_and_others_get_503_in_bounded_time(
    stack: Stack, api: Service, stored: list[str], fault: Callable[[Stack], Callable[[], None]]
) -> None:
    mend = fault(stack)
    try:
        _meet_outage(api, stored)
    finally:
        mend()
    eventually(lambda: api.get(f"/order/{stored[-1]}").status == 200, 10, "all is well again")


def _meet_outage(api: Service, stored: list[str]) -> None:
    """Let a crowd ask for what is not cached, and meanwhile ask for what is."""
    over = threading.Event()
    with ThreadPoolExecutor(CROWD) as crowd:
        asking = [crowd.submit(_ask_on, api, stored[10:], n, over) for n in range(CROWD)]
        hits: list[tuple[Answer, float]] = []
        end = time.monotonic() + 6
        while time.monotonic() < end:
            hits.append(_timed(api, stored[len(hits) % 10]))
        over.set()
        misses = [each for future in asking for each in future.result()]
    assert Counter(answer.status for answer, _ in hits) == {200: len(hits)}
    assert {answer.status for answer, _ in misses} == {503}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer, _ in misses)
    assert max(seconds for _, seconds in misses) < 4
    slow = sorted(seconds for _, seconds in hits)
    assert slow[-1] < 2.0, f"cached orders wait behind others: {slow[-5:]}"


def _ask_on(
    api: Service, uids: list[str], number: int, over: threading.Event
) -> list[tuple[Answer, float]]:
    answers: list[tuple[Answer, float]] = []
    while not over.wait(0.1):
        answers.append(_timed(api, uids[(number * 7 + len(answers)) % len(uids)]))
    return answers


def _timed(api: Service, uid: str) -> tuple[Answer, float]:
    began = time.monotonic()
    return api.get(f"/order/{uid}"), time.monotonic() - began


def test_with_both_backends_away_the_api_says_that_it_has_nothing_to_offer(
    stack: Stack, api: Service, stored: list[str]
) -> None:
    stack.postgres_proxy.refuse()
    stack.valkey_proxy.refuse()
    try:
        api.await_status(503, 10)
        answer = api.get(f"/order/{stored[0]}")
        assert answer.status == 503
        assert answer.headers["Retry-After"]
        assert api.get("/health/live").status == 200
    finally:
        stack.postgres_proxy.heal()
        stack.valkey_proxy.heal()
    api.await_status(200, 10)


def _queries(api: Service) -> float:
    """How often orders were asked for: the process reads sessions and keys by itself, too."""
    return api.metric("order_service_db_queries_total", "_order")


def test_a_stampede_on_one_order_is_one_query(stack: Stack, stored: list[str]) -> None:
    api = stack.api(ORDERS_CACHE_WARM_UP="0", REDIS_TIMEOUT="1")
    api.await_status(200, 30)
    with stack.redis as redis:
        redis.flushall()
    stack.postgres_proxy.delay = 0.1
    before = _queries(api)
    try:
        with ThreadPoolExecutor(QUEUE) as crowd:
            answers = list(crowd.map(api.get, [f"/order/{stored[50]}"] * CROWD))
    finally:
        stack.postgres_proxy.heal()
    assert [answer.body for answer in answers if answer.status != 200] == []
    assert _queries(api) - before == 1
    assert api.stop() == 0


def test_an_unknown_order_is_asked_for_once_in_a_while(api: Service) -> None:
    before = _queries(api)
    with ThreadPoolExecutor(QUEUE) as crowd:
        answers = list(crowd.map(api.get, ["/order/no-such-order"] * 200))
    assert {answer.status for answer in answers} == {404}
    # Who had asked the cache just before it learned of it asks the database, too.
    assert _queries(api) - before <= 4


def test_a_flood_of_unknown_uids_leaves_memory_and_connections_bounded(
    stack: Stack, api: Service, stored: list[str]
) -> None:
    with ThreadPoolExecutor(CROWD) as crowd:
        statuses = Counter(
            answer.status
            for answer in crowd.map(api.get, (f"/order/flood-{n}" for n in range(3000)))
        )
    assert statuses[404] + statuses[503] == 3000
    eventually(lambda: api.get(f"/order/{stored[0]}").status == 200, 5, "a known one is answered")
    assert stack.postgres_proxy.connections < 500
    with stack.redis as redis:
        keys = list(redis.scan_iter("order:v1:flood-*", count=1000))
        assert all(redis.pttl(key) in {-2, *range(5001)} for key in keys[:50]), (
            "forgotten within seconds"
        )


def test_an_unknown_order_is_found_the_moment_that_it_arrives(stack: Stack, api: Service) -> None:
    (message,) = orders(77, 1)
    uid = message.key.decode()
    assert api.get(f"/order/{uid}").status == 404
    consumer = stack.consumer()
    with stack.feed() as feed:
        feed.send([message])
    stack.await_drained()
    assert api.get(f"/order/{uid}").status == 200
    consumer.stop()


def test_a_reader_that_was_slow_does_not_overwrite_what_is_newer(stack: Stack) -> None:
    (old,) = orders(78, 1)
    uid = old.key.decode()
    new = replace(old, value=old.value.replace(b'"entry":"WBIL"', b'"entry":"NEWER"'))
    consumer = stack.consumer()
    with stack.feed() as feed, TcpProxy(lambda: stack.postgres.port) as wire:
        feed.send([old])
        stack.await_drained()
        api = stack.api(
            POSTGRES_PORT=str(wire.port), ORDERS_CACHE_LOCAL_SIZE="0", ORDERS_CACHE_WARM_UP="0"
        )
        api.await_status(200, 30)
        with stack.redis as redis:
            redis.flushall()
        held = wire.hold_reply(uid.encode())
        with ThreadPoolExecutor(1) as reader:
            answer = reader.submit(api.get, f"/order/{uid}")
            assert held.wait(10), "the old row is on its way to the reader"
            feed.send([new])
            stack.await_drained()
            wire.heal()
            assert answer.result().status in (200, 503)
        latest = api.get(f"/order/{uid}")
        assert (latest.json()["entry"], latest.headers["X-Cache"]) == ("NEWER", "hit")
        assert api.stop() == 0
    assert consumer.stop() == 0
