"""A primary dies, freezes, loses etcd or is replaced, while orders come in and are looked up.

Nobody helps: one half of the service is told all members and finds the new primary itself, the
other half is told the address of a balancer. Every order that was acknowledged is there in the end,
whole; what is cached is answered all the time, and whatever else gets an answer soon.

`make chaos FAILOVER=1` does it with 2,000 orders/s and prints the times.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import LiteralString, NamedTuple

import psycopg
import pytest

from tests.chaos.feed import Feed, orders
from tests.chaos.service import Answer, Service
from tests.cluster.faults import (
    Fault,
    crash_primary,
    cut_primary_from_etcd,
    freeze_primary,
    kill_primary,
    kill_standbys,
    switch_over,
)
from tests.cluster.stack import ClusterStack
from tests.waiting import eventually

pytestmark = [pytest.mark.apache_kafka, pytest.mark.timeout(400)]

LONG = "FAILOVER_RATE" in os.environ
RATE = float(os.environ.get("FAILOVER_RATE") or 300)
_LONGEST_PAUSE = 30.0 if LONG else 60.0
"""Seconds without a write: what is promised, and what is granted to a machine with other tests."""
_CACHED = 10

FAULTS = [kill_primary, freeze_primary, cut_primary_from_etcd, kill_standbys]
if LONG:
    # Otherwise these befall the money of others: see test_money.
    FAULTS += [crash_primary, switch_over]


class Lookups(NamedTuple):
    """What was answered, and after how many seconds."""

    cached: list[tuple[Answer, float]]
    others: list[tuple[Answer, float]]


@pytest.fixture(scope="module")
def ways(stack: ClusterStack) -> list[Mapping[str, str]]:
    """What each half of the service is told of its database."""
    return [{}, stack.cluster.balancer.environment()]


@pytest.fixture(scope="module")
def apis(stack: ClusterStack, ways: list[Mapping[str, str]]) -> list[Service]:
    """APIs that cache nothing by themselves, so that what is in Redis is all that is cached."""
    usual = {"ORDERS_CACHE_LOCAL_SIZE": "0", "ORDERS_CACHE_WARM_UP": "0", "REDIS_TIMEOUT": "5"}
    return _ready([stack.api(**usual, ORDERS_CACHE_TTL="3600", **way) for way in ways])


@pytest.fixture(scope="module")
def consumers(stack: ClusterStack, ways: list[Mapping[str, str]]) -> list[Service]:
    """Consumers that share the partitions."""
    return _ready([stack.consumer(**way) for way in ways])


def _ready(services: list[Service]) -> list[Service]:
    for service in services:
        service.await_status(200, 60)
    return services


@pytest.fixture(scope="module")
def feed(stack: ClusterStack, consumers: list[Service]) -> Iterator[Feed]:
    """All that is sent in this file; what became of it is looked at when all is over."""
    assert consumers
    with stack.feed() as feed:
        yield feed
        census = stack.check_set(feed)
        print(f"{census}")  # noqa: T201 - the summary


@pytest.fixture(scope="module")
def cached(feed: Feed, apis: list[Service]) -> list[str]:
    """Ids of orders that are in Redis."""
    messages = orders(47, _CACHED)
    feed.send(messages)
    uids = [message.key.decode() for message in messages]
    eventually(
        lambda: all(apis[0].get(f"/order/{uid}").status == 200 for uid in uids), 30, "stored"
    )
    return uids


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_no_acknowledged_order_is_lost_and_nobody_helps(
    stack: ClusterStack,
    apis: list[Service],
    feed: Feed,
    cached: list[str],
    fault: Fault,
) -> None:
    stack.cluster.await_whole()
    feed.flow(RATE)
    began = _now(stack)
    with _looking_up(apis, feed, cached) as lookups:
        time.sleep(2)  # a steady stream before the fault
        mend = fault(stack.cluster)
        _await_writes(stack)
        time.sleep(2)  # and behind it
        mend()
        stack.cluster.await_whole()
    feed.pause()
    stack.await_drained(90)
    pause = _longest_pause(stack, began)
    answers = Counter(answer.status for answer, _ in lookups.others)
    slowest = max(seconds for _, seconds in lookups.others)
    print(  # noqa: T201 - the summary
        f"{fault.__name__}: {pause:.1f} s without a write at {RATE:g} orders/s; others {answers}, "
        f"slowest {slowest:.2f} s; cached slowest {max(s for _, s in lookups.cached):.2f} s"
    )
    _check(lookups)
    assert pause < _LONGEST_PAUSE


def _check(lookups: Lookups) -> None:
    assert {answer.status for answer, _ in lookups.cached} == {200}
    assert {answer.status for answer, _ in lookups.others} <= {200, 404, 503}
    away = [answer for answer, _ in lookups.others if answer.status == 503]
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in away)
    # The longest that a lookup may take: a connection, and a statement that is given up.
    assert max(seconds for _, seconds in lookups.others) < 10


@contextmanager
def _looking_up(apis: list[Service], feed: Feed, cached: list[str]) -> Iterator[Lookups]:
    """Look up what is cached and what is not, until the block ends."""
    lookups, over = Lookups([], []), threading.Event()

    def ask(api: Service, kept: list[tuple[Answer, float]], uid: Callable[[int], str]) -> None:
        while not over.wait(0.02):
            began = time.monotonic()
            answer = api.get(f"/order/{uid(len(kept))}")
            kept.append((answer, time.monotonic() - began))

    questions = (
        (lookups.cached, lambda number: cached[number % len(cached)]),
        (lookups.others, lambda number: feed.some_key(number) or cached[0]),
    )
    threads = [
        threading.Thread(target=ask, args=(api, *each)) for api in apis for each in questions
    ]
    for thread in threads:
        thread.start()
    try:
        yield lookups
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _await_writes(stack: ClusterStack) -> None:
    """Wait until an order is stored that was not when this began."""
    newest = _newest(stack)
    eventually(lambda: (_newest(stack) or newest) > newest, 120, "orders are stored again")


def _newest(stack: ClusterStack) -> float:
    """When the last order was stored; 0 if nobody can tell."""
    try:
        return _moment(stack, "SELECT extract(epoch FROM max(stored_at)) FROM orders.orders")
    except psycopg.OperationalError:
        return 0.0


def _now(stack: ClusterStack) -> float:
    return _moment(stack, "SELECT extract(epoch FROM clock_timestamp())")


def _moment(stack: ClusterStack, query: LiteralString) -> float:
    with psycopg.connect(stack.dsn) as connection:
        row = connection.execute(query).fetchone()
    assert row
    return float(row[0] or 0)


def _longest_pause(stack: ClusterStack, since: float) -> float:
    """Return the most seconds after `since` in which a consumer has stored nothing."""
    query = """
        SELECT max(extract(epoch FROM pause)) FROM (
            SELECT stored_at - lag(stored_at) OVER (
                PARTITION BY source_partition ORDER BY stored_at) AS pause
            FROM orders.orders WHERE stored_at > to_timestamp(%s)
        ) AS pauses
    """
    with psycopg.connect(stack.dsn) as connection:
        row = connection.execute(query, [since]).fetchone()
    assert row
    return float(row[0])
