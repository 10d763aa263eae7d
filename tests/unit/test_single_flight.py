"""Concurrent calls for one key share one execution and its outcome."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from order_service.infra.single_flight import SingleFlight


class Query:
    """A call that the test holds in the air."""

    def __init__(self) -> None:
        self.calls = 0
        self.begun = threading.Event()
        self.release = threading.Event()
        self.error: Exception | None = None

    def __call__(self) -> int:
        self.calls += 1
        self.begun.set()
        assert self.release.wait(10)
        if self.error:
            raise self.error
        return 42


class Key(str):  # noqa: SLOT000 - a str cannot have other slots than __dict__
    """A key that tells when it is looked up, which is when its caller is on board."""

    def __init__(self, _: str) -> None:
        self.looked_up = threading.Event()

    def __hash__(self) -> int:
        self.looked_up.set()
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other)


def joined(flights: SingleFlight[int], query: Query, pool: ThreadPoolExecutor) -> list[Future[int]]:
    """Eight callers of one key, all on board before the query ends."""
    first = pool.submit(flights.run, "key", query)
    assert query.begun.wait(10)
    keys = [Key("key") for _ in range(7)]
    others = [pool.submit(flights.run, key, query) for key in keys]
    assert all(key.looked_up.wait(10) for key in keys)
    query.release.set()
    return [first, *others]


def test_callers_that_come_meanwhile_get_the_result_of_the_first() -> None:
    flights, query = SingleFlight[int](), Query()
    with ThreadPoolExecutor(8) as pool:
        callers = joined(flights, query, pool)
        assert [caller.result(10) for caller in callers] == [42] * 8
    assert query.calls == 1


def test_all_callers_get_the_error_of_the_first() -> None:
    flights, query = SingleFlight[int](), Query()
    query.error = LookupError("away")
    with ThreadPoolExecutor(8) as pool:
        callers = joined(flights, query, pool)
        assert {type(caller.exception(10)) for caller in callers} == {LookupError}
    assert query.calls == 1


def test_a_caller_never_waits_for_another_key() -> None:
    flights, query = SingleFlight[int](), Query()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(flights.run, "slow", query)
        assert query.begun.wait(10)
        assert flights.run("quick", lambda: 1) == 1
        query.release.set()
        assert waiting.result(10) == 42


def test_a_flight_that_ended_is_forgotten_whatever_its_end() -> None:
    flights = SingleFlight[int]()
    with pytest.raises(ZeroDivisionError):
        flights.run("key", lambda: 1 // 0)
    assert flights.run("key", lambda: 1) == 1
    assert flights.run("key", lambda: 2) == 2
