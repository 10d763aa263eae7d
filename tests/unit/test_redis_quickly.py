"""What the quick cache makes of what Redis says, and what it leaves to the other one."""

from collections.abc import Callable
from typing import cast

import pytest
from redis import ConnectionError as RedisConnectionError
from redis import RedisError, ResponseError
from redis import TimeoutError as RedisTimeoutError

from order_service.contexts.orders.ports import ABSENT, NOT_TOLD, Entry, NotTold
from order_service.contexts.orders.redis_cache import Lifetimes, RedisCache
from order_service.contexts.orders.redis_quickly import RedisQuickly
from order_service.infra.circuit import CircuitBreaker
from order_service.infra.redis.client import CacheClient
from order_service.infra.redis.commands import CacheEntry
from order_service.infra.redis.loop_calls import LoopCalls, Then
from tests.builders import record

DOCUMENT = record().document
ENTRY = DOCUMENT.digest.encode() + DOCUMENT.body


class Reads:
    """Says the same of every key."""

    def __init__(self, value: bytes | RedisError | None, *, ready: bool = True) -> None:
        self.keys: list[str] = []
        self.entries: list[CacheEntry] = []
        self._value = value
        self._ready = ready

    def ready(self) -> bool:
        return self._ready

    def ask(self, key: str, then: Then) -> None:
        self.keys.append(key)
        then(cast("bytes | ResponseError | None", self._value))

    def set_new(self, entry: CacheEntry, then: Then) -> None:
        self.entries.append(entry)
        then(cast("bytes | ResponseError | None", self._value))


class Rig:
    def __init__(self, value: bytes | RedisError | None, *, ready: bool = True) -> None:
        self.failures = 0
        self.circuit = CircuitBreaker(60.0)
        self.reads = Reads(value, ready=ready)
        client = cast("CacheClient", None)  # nothing here asks it
        cache = RedisCache(client, Lifetimes(1, 0, 1), self.circuit, self._failed)
        self.quickly = RedisQuickly(cast("LoopCalls", self.reads), cache)
        self.told: list[Entry | NotTold | None] = []
        self.ask: Callable[[], bool] = lambda: self.quickly.ask("a", self.told.append)

    def _failed(self) -> None:
        self.failures += 1


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (ENTRY, DOCUMENT),
        (b"absent", ABSENT),
        (None, None),
        (ENTRY[:-1], NOT_TOLD),
        (b"", NOT_TOLD),
        (ResponseError("WRONGTYPE"), NOT_TOLD),
        (RedisConnectionError("closed"), NOT_TOLD),
    ],
)
def test_it_tells_what_is_sure_and_leaves_the_rest(
    value: bytes | RedisError | None, told: Entry | NotTold | None
) -> None:
    rig = Rig(value)
    assert rig.ask()
    assert rig.told == [told]
    assert rig.reads.keys == ["order:v1:a"]
    assert rig.circuit.closed


def test_a_server_that_says_nothing_in_time_is_left_alone_for_a_while() -> None:
    rig = Rig(RedisTimeoutError("no answer"))
    assert rig.ask()
    assert rig.told == [None]
    assert (rig.circuit.closed, rig.failures) == (False, 1)
    assert not rig.ask()
    assert rig.told == [None]


def test_without_a_connection_it_asks_nobody() -> None:
    rig = Rig(ENTRY, ready=False)
    assert not rig.ask()
    assert (rig.told, rig.reads.keys) == ([], [])


@pytest.mark.parametrize(
    "value", [b"OK", None, ResponseError("OOM"), RedisConnectionError("closed")]
)
def test_it_sets_what_was_found_and_what_is_not_there(value: bytes | RedisError | None) -> None:
    rig = Rig(value)
    rig.quickly.fill_found({"a": DOCUMENT, "b": ABSENT})
    assert rig.reads.entries == [
        CacheEntry("order:v1:a", ENTRY, 1000),
        CacheEntry("order:v1:b", b"absent", 1000),
    ]
    assert (rig.circuit.closed, rig.failures) == (True, 0)


def test_a_server_that_takes_nothing_in_time_is_left_alone_for_a_while() -> None:
    rig = Rig(RedisTimeoutError("no answer"))
    rig.quickly.fill_found({"a": DOCUMENT, "b": DOCUMENT})
    assert (rig.circuit.closed, rig.failures) == (False, 1)
    rig.reads.entries.clear()
    rig.quickly.fill_found({"a": DOCUMENT})
    assert rig.reads.entries == []


def test_without_a_connection_it_sets_nothing() -> None:
    rig = Rig(b"OK", ready=False)
    rig.quickly.fill_found({"a": DOCUMENT})
    assert rig.reads.entries == []
