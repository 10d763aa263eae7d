"""Concurrent calls for single keys are answered by calls for many, whatever becomes of these."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from order_service.infra.batched_flight import MOST, BatchedFlight, FlightLostError
from order_service.infra.bulkhead import FullError


class Backend:
    """What is asked; a test can hold its first answer back.

    Attributes:
        asked: The keys of every call.
        held: The first call waits until it is set.
        begun: Set by the first call.
        error: Raised by the first call.
    """

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.begun = threading.Event()
        self.held = threading.Event()
        self.error: BaseException | None = None

    def __call__(self, keys: Sequence[str]) -> Mapping[str, str]:
        self.asked.append(sorted(keys))
        if len(self.asked) == 1:
            self.begun.set()
            assert self.held.wait(10)
            if self.error:
                raise self.error
        return {key: key.upper() for key in keys if key != "unknown"}


class Key(str):  # noqa: SLOT000 - a str cannot have other slots than __dict__
    """A key that tells when it is looked up, which is when its caller is on board."""

    def __init__(self, _: str) -> None:
        self.looked_up = threading.Event()

    def __hash__(self) -> int:
        self.looked_up.set()
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other)


class Crowd:
    """Callers in threads of their own, the first of whom is held at the backend."""

    def __init__(self, pool: ThreadPoolExecutor, backend: Backend) -> None:
        self._pool = pool
        self.backend = backend

    def first(self, flight: BatchedFlight[str], key: str) -> Future[str | None]:
        """One who asks and is held."""
        caller = self._pool.submit(flight.get, key)
        assert self.backend.begun.wait(10)
        return caller

    def on_board(self, flight: BatchedFlight[str], keys: Sequence[str]) -> list[Future[str | None]]:
        """Others, who came before this returns."""
        watched = [Key(key) for key in keys]
        callers = [self._pool.submit(flight.get, key) for key in watched]
        assert all(key.looked_up.wait(10) for key in watched)
        return callers


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    backend = Backend()
    with ThreadPoolExecutor(MOST + 8) as pool:
        yield Crowd(pool, backend)
        backend.held.set()


def test_a_lone_caller_asks_at_once_for_one_key() -> None:
    backend = Backend()
    backend.held.set()
    flight = BatchedFlight(backend)
    assert [flight.get("a"), flight.get("b"), flight.get("unknown")] == ["A", "B", None]
    assert backend.asked == [["a"], ["b"], ["unknown"]]


def test_those_who_come_while_one_is_away_ask_together(crowd: Crowd) -> None:
    flight = BatchedFlight(crowd.backend)
    first = crowd.first(flight, "a")
    others = crowd.on_board(flight, ["b", "c", "d", "c"])
    crowd.backend.held.set()
    assert [each.result(10) for each in [first, *others]] == ["A", "B", "C", "D", "C"]
    assert crowd.backend.asked == [["a"], ["b", "c", "d"]]


def test_with_two_leaders_one_that_hangs_does_not_keep_the_next_from_asking(crowd: Crowd) -> None:
    flight = BatchedFlight(crowd.backend, leaders=2)
    first = crowd.first(flight, "a")
    assert flight.get("b") == "B"
    assert not first.done()


def test_a_call_is_for_a_bounded_number_of_keys(crowd: Crowd) -> None:
    flight = BatchedFlight(crowd.backend)
    first = crowd.first(flight, "a")
    others = crowd.on_board(flight, [f"{number:02}" for number in range(MOST + 2)])
    crowd.backend.held.set()
    assert [each.result(10) for each in [first, *others]]
    assert [len(keys) for keys in crowd.backend.asked] == [1, MOST, 2]


def test_who_shares_gets_the_answer_that_is_on_its_way(crowd: Crowd) -> None:
    flight = BatchedFlight(crowd.backend, shared=True)
    callers = [crowd.first(flight, "a"), *crowd.on_board(flight, ["a"] * 7)]
    crowd.backend.held.set()
    assert [each.result(10) for each in callers] == ["A"] * 8
    assert crowd.backend.asked == [["a"]]
    assert flight.get("a") == "A"
    assert crowd.backend.asked == [["a"], ["a"]]


def test_who_does_not_share_gets_an_answer_to_a_question_sent_after_that(crowd: Crowd) -> None:
    flight = BatchedFlight(crowd.backend)
    callers = [crowd.first(flight, "a"), *crowd.on_board(flight, ["a"] * 7)]
    crowd.backend.held.set()
    assert [each.result(10) for each in callers] == ["A"] * 8
    assert crowd.backend.asked == [["a"], ["a"]]


@pytest.mark.parametrize("shared", [True, False])
def test_an_error_is_that_of_all_on_board_and_of_nobody_after_them(
    crowd: Crowd, *, shared: bool
) -> None:
    crowd.backend.error = LookupError("away")
    flight = BatchedFlight(crowd.backend, shared=shared)
    first = crowd.first(flight, "a")
    others = crowd.on_board(flight, ["b", "c"])
    same = crowd.on_board(flight, ["a"])
    crowd.backend.held.set()
    assert isinstance(first.exception(10), LookupError)
    assert isinstance(same[0].exception(10), LookupError) == shared
    assert [each.result(10) for each in others] == ["B", "C"]
    assert flight.get("a") == "A"


def test_when_the_thread_that_asks_is_ended_the_others_are_told_and_the_next_ones_asked_for(
    crowd: Crowd,
) -> None:
    crowd.backend.error = SystemExit()
    flight = BatchedFlight(crowd.backend, shared=True)
    first = crowd.first(flight, "a")
    (same,) = crowd.on_board(flight, ["a"])
    others = crowd.on_board(flight, ["b", "c"])
    crowd.backend.held.set()
    assert isinstance(first.exception(10), SystemExit)
    assert isinstance(same.exception(10), FlightLostError)
    assert [each.result(10) for each in others] == ["B", "C"]
    assert flight.get("a") == "A"


def test_once_the_calls_stall_no_more_than_the_bound_wait(crowd: Crowd) -> None:
    flight = BatchedFlight(crowd.backend, shared=True, waiting=2)
    first = crowd.first(flight, "a")
    (second,) = crowd.on_board(flight, ["b"])
    with pytest.raises(FullError):
        flight.get("c")
    crowd.backend.held.set()
    assert [each.result(10) for each in (first, second)] == ["A", "B"]
    assert flight.get("c") == "C"
