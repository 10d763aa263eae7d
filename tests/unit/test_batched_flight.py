"""Concurrent calls for single keys are answered by calls for many, whatever becomes of these."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from order_service.infra.batched_flight import MOST, BatchedFlight, FlightLostError
from order_service.infra.bulkhead import FullError
from tests.loops import run
from tests.waiting import eventually


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


class Told:
    """Those who did not wait: what each was told, and in which thread."""

    def __init__(self) -> None:
        self.answers: dict[str, str | None] = {}
        self.errors: dict[str, Exception] = {}
        self.threads: set[str] = set()
        self._all = threading.Condition()

    def then(self, key: str) -> Callable[[Callable[[], str | None]], None]:
        def then(answer: Callable[[], str | None]) -> None:
            with self._all:
                self.threads.add(threading.current_thread().name)
                try:
                    self.answers[key] = answer()
                except Exception as error:  # noqa: BLE001 - looked at by the test
                    self.errors[key] = error
                self._all.notify_all()

        return then

    def wait_for(self, count: int) -> None:
        with self._all:
            assert self._all.wait_for(lambda: len(self.answers) + len(self.errors) >= count, 10)


def ask_in_one_turn(flight: BatchedFlight[str], told: Told, keys: Sequence[str]) -> None:
    async def turn() -> None:
        for key in keys:
            flight.ask(key, told.then(key))

    run(turn)


def test_those_who_ask_in_one_turn_of_an_event_loop_ask_together_and_nobody_waits() -> None:
    backend, told = Backend(), Told()
    flight = BatchedFlight(backend)
    ask_in_one_turn(flight, told, ["a", "b", "unknown", "a"])
    assert backend.begun.wait(10)
    ask_in_one_turn(flight, told, ["c", "d"])
    backend.held.set()
    told.wait_for(5)
    assert told.answers == {"a": "A", "b": "B", "unknown": None, "c": "C", "d": "D"}
    assert backend.asked == [["a", "b", "unknown"], ["c", "d"]]
    assert told.threads == {"flight"}


def test_those_who_wait_and_those_who_do_not_share_their_questions(crowd: Crowd) -> None:
    flight, told = BatchedFlight(crowd.backend, shared=True), Told()
    first = crowd.first(flight, "a")
    ask_in_one_turn(flight, told, ["a", "b"])
    (waiting,) = crowd.on_board(flight, ["b"])
    crowd.backend.held.set()
    assert (first.result(10), waiting.result(10)) == ("A", "B")
    told.wait_for(2)
    assert told.answers == {"a": "A", "b": "B"}
    assert crowd.backend.asked == [["a"], ["b"]]


def test_what_is_asked_for_when_answers_are_told_is_asked_for_together() -> None:
    first, second, told = Backend(), Backend(), Told()
    first.held.set()
    second.held.set()
    outer, inner = BatchedFlight(first), BatchedFlight(second)

    async def turn() -> None:
        for key in "abc":
            outer.ask(key, lambda answer: inner.ask(f"{answer()}2", told.then(f"{answer()}2")))

    run(turn)
    told.wait_for(3)
    assert told.answers == {"A2": "A2", "B2": "B2", "C2": "C2"}
    assert second.asked == [["A2", "B2", "C2"]]


@pytest.mark.parametrize("error", [LookupError("away"), SystemExit()])
def test_an_error_is_told_to_those_whom_it_is_about_and_the_next_ones_are_asked_for(
    error: BaseException,
) -> None:
    backend, told = Backend(), Told()
    backend.error = error
    flight = BatchedFlight(backend)
    ask_in_one_turn(flight, told, ["a", "b"])
    assert backend.begun.wait(10)
    ask_in_one_turn(flight, told, ["c"])
    backend.held.set()
    told.wait_for(3)
    wanted = FlightLostError if isinstance(error, SystemExit) else LookupError
    assert [type(told.errors[key]) for key in "ab"] == [wanted, wanted]
    assert told.answers == {"c": "C"}


def test_a_call_that_nobody_waits_for_is_for_a_bounded_number_of_keys() -> None:
    backend, told = Backend(), Told()
    backend.held.set()
    keys = [f"{number:03}" for number in range(2 * MOST + 3)]
    ask_in_one_turn(BatchedFlight(backend), told, keys)
    told.wait_for(len(keys))
    assert sorted(len(asked) for asked in backend.asked) == [3, MOST, MOST]


@pytest.mark.parametrize(
    ("keys", "calls"), [(7, [7]), (16, [8, 8]), (20, [10, 10]), (64, [32, 32])]
)
def test_those_who_could_be_asked_for_by_several_calls_are_if_it_is_worth_it(
    keys: int, calls: list[int]
) -> None:
    backend, told = Backend(), Told()
    backend.held.set()
    flight = BatchedFlight(backend, leaders=2)
    ask_in_one_turn(flight, told, [f"{number:03}" for number in range(keys)])
    told.wait_for(keys)
    assert [len(asked) for asked in backend.asked] == calls


def test_once_the_calls_stall_nobody_else_is_let_in_until_they_come_back() -> None:
    backend, told = Backend(), Told()
    flight = BatchedFlight(backend, waiting=2)
    ask_in_one_turn(flight, told, ["a", "b", "c"])  # one too many is welcome as long as it moves
    assert backend.begun.wait(10)
    eventually(lambda: _is_full(flight), 10, "it does not move any more")
    backend.held.set()
    told.wait_for(3)
    assert told.answers == {"a": "A", "b": "B", "c": "C"}
    ask_in_one_turn(flight, told, ["d"])
    told.wait_for(4)
    assert told.answers["d"] == "D"


def _is_full(flight: BatchedFlight[str]) -> bool:
    late = Told()
    ask_in_one_turn(flight, late, ["late"])
    return isinstance(late.errors.get("late"), FullError)
