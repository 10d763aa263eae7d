"""Questions in an event loop are asked for together, whatever becomes of the calls."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from order_service.infra.batched_flight import MOST
from order_service.infra.bulkhead import Bulkhead, FullError
from order_service.infra.loop_flight import Answers, LoopFlight
from tests.fakes import Clock
from tests.loops import run

Told = Callable[[Answers[str]], None]


class Source:
    """Calls that the test answers.

    Attributes:
        lines: Calls at the same time; none if there is no connection.
        calls: The keys of all calls.
    """

    def __init__(self, lines: int = 2) -> None:
        self.lines = lines
        self.calls: list[list[str]] = []
        self._under_way: dict[str, tuple[Sequence[str], Told]] = {}

    def ready(self) -> bool:
        return self.lines > 0

    @property
    def free(self) -> int:
        return max(0, self.lines - len(self._under_way))

    def call(self, keys: Sequence[str], then: Told) -> None:
        assert self.free
        self.calls.append(list(keys))
        self._under_way[keys[0]] = keys, then

    def answer(self, first: str) -> None:
        """Answer the call that begins with this key: nobody knows `unknown`."""
        keys, _ = self._under_way[first]
        self.end(first, {key: key.upper() for key in keys if key != "unknown"})

    def end(self, first: str, answers: Answers[str]) -> None:
        _, then = self._under_way.pop(first)
        then(answers)


class Rig:
    """A flight in an event loop.

    Attributes:
        told: What came of each question, in the order in which it was told.
        otherwise: What had to be asked for otherwise.
        otherwise_fails: Whether that fails.
    """

    def __init__(self, waiting: int = 100, lines: int = 2) -> None:
        self.source = Source(lines)
        self.otherwise: list[str] = []
        self.otherwise_fails = False
        self.told: list[tuple[str, str | Exception | None]] = []
        self.clock = Clock()
        bulkhead = Bulkhead(waiting, clock=self.clock)
        self.flight: LoopFlight[str] = LoopFlight(self.source, self._ask_otherwise, bulkhead)

    def _ask_otherwise(self, key: str, then: Callable[[Callable[[], str | None]], None]) -> None:
        if self.otherwise_fails:
            raise RuntimeError(key)
        self.otherwise.append(key)
        then(lambda: "otherwise")

    async def ask(self, *keys: str) -> None:
        """Ask in one turn, and let it end."""
        for key in keys:
            self.flight.ask(key, lambda answer, key=key: self._tell(key, answer))  # type: ignore[misc]
        await asyncio.sleep(0.001)

    def _tell(self, key: str, answer: Callable[[], str | None]) -> None:
        try:
            self.told.append((key, answer()))
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.told.append((key, error))


def in_loop(test: Callable[[Rig], Coroutine[Any, Any, None]], **options: int) -> None:
    async def whole() -> None:
        await test(Rig(**options))

    run(whole)


def test_a_lone_question_is_asked_at_the_end_of_its_turn() -> None:
    async def test(rig: Rig) -> None:
        await rig.ask("a")
        assert rig.source.calls == [["a"]]
        rig.source.answer("a")
        assert rig.told == [("a", "A")]

    in_loop(test)


def test_questions_of_one_turn_share_a_call_and_each_gets_its_own_answer() -> None:
    async def test(rig: Rig) -> None:
        await rig.ask("a", "unknown", "b")
        assert rig.source.calls == [["a", "unknown", "b"]]
        rig.source.answer("a")
        assert rig.told == [("a", "A"), ("unknown", None), ("b", "B")]

    in_loop(test)


def test_many_questions_are_shared_out_among_the_calls_that_can_be_made() -> None:
    async def test(rig: Rig) -> None:
        keys = [str(number) for number in range(24)]
        await rig.ask(*keys)
        assert rig.source.calls == [keys[:12], keys[12:]]

    in_loop(test)


def test_no_call_is_for_more_keys_than_it_may_be() -> None:
    async def test(rig: Rig) -> None:
        keys = [str(number) for number in range(MOST * 2 + 8)]
        await rig.ask(*keys)
        assert rig.source.calls == [keys[:MOST], keys[MOST : MOST * 2]]
        rig.source.answer("0")
        assert rig.source.calls[2] == keys[MOST * 2 :]

    in_loop(test)


def test_who_comes_while_all_calls_are_under_way_is_in_the_next_one() -> None:
    async def test(rig: Rig) -> None:
        await rig.ask("a")
        await rig.ask("b")
        await rig.ask("c")
        await rig.ask("d")
        assert rig.source.calls == [["a"], ["b"]]
        rig.source.answer("b")
        assert rig.source.calls == [["a"], ["b"], ["c", "d"]]
        rig.source.answer("c")
        rig.source.answer("a")
        assert [key for key, _ in rig.told] == ["b", "c", "d", "a"]

    in_loop(test)


def test_who_asks_for_what_is_on_its_way_or_will_be_shares_the_answer() -> None:
    async def test(rig: Rig) -> None:
        await rig.ask("a", "a")
        await rig.ask("a")
        await rig.ask("b")
        await rig.ask("c")
        await rig.ask("c")
        rig.source.answer("a")
        rig.source.answer("c")
        assert rig.source.calls == [["a"], ["b"], ["c"]]
        assert rig.told == [("a", "A")] * 3 + [("c", "C")] * 2
        await rig.ask("a")
        assert rig.source.calls[-1] == ["a"]

    in_loop(test)


def test_a_call_that_fails_fails_for_its_own_keys_alone() -> None:
    async def test(rig: Rig) -> None:
        error = TimeoutError("late")
        await rig.ask("a", "b")
        await rig.ask("c")
        rig.source.end("a", error)
        rig.source.answer("c")
        assert rig.told == [("a", error), ("b", error), ("c", "C")]
        await rig.ask("a")
        rig.source.answer("a")
        assert rig.told[-1] == ("a", "A")

    in_loop(test)


def test_what_a_call_cannot_tell_is_asked_for_otherwise() -> None:
    async def test(rig: Rig) -> None:
        await rig.ask("a", "b", "b")
        await rig.ask("c")
        rig.source.end("a", None)
        assert rig.otherwise == ["a", "b", "b"]
        rig.source.answer("c")
        assert rig.told[-1] == ("c", "C")

    in_loop(test)


def test_where_there_is_no_connection_everything_is_asked_for_otherwise() -> None:
    async def test(rig: Rig) -> None:
        await rig.ask("a", "b")
        assert rig.otherwise == ["a", "b"]
        assert rig.source.calls == []

    in_loop(test, lines=0)


def test_who_waits_for_a_source_that_is_not_ready_any_more_is_asked_for_otherwise() -> None:
    async def test(rig: Rig) -> None:
        await rig.ask("a")
        await rig.ask("b")
        await rig.ask("c", "d")
        rig.source.lines = 0
        rig.source.end("a", TimeoutError("late"))  # the other call may hang just as long
        assert rig.otherwise == ["c", "d"]
        assert [key for key, _ in rig.told] == ["c", "d", "a"]
        rig.source.end("b", None)
        assert rig.otherwise == ["c", "d", "b"]
        assert len(rig.told) == 4

    in_loop(test)


def test_a_question_that_cannot_be_asked_is_asked_for_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test(rig: Rig) -> None:
        def fail(keys: Sequence[str], then: Told) -> None:
            raise RuntimeError(f"{then} cannot be told of {keys}")

        with monkeypatch.context() as patched:
            patched.setattr(rig.source, "call", fail)
            await rig.ask("a", "b")
        assert rig.otherwise == ["a", "b"]
        await rig.ask("a")
        rig.source.answer("a")
        assert rig.told[-1] == ("a", "A")

    in_loop(test)


def test_one_who_cannot_be_asked_for_otherwise_either_is_told() -> None:
    async def test(rig: Rig) -> None:
        rig.otherwise_fails = True
        await rig.ask("a")
        rig.source.end("a", None)
        [(key, error)] = rig.told
        assert key == "a"
        assert isinstance(error, RuntimeError)

    in_loop(test)


def test_once_it_stalls_no_more_wait_than_may() -> None:
    async def test(rig: Rig) -> None:
        await rig.ask("a", "b", "c", "d")  # more than three, as nobody hangs yet
        assert rig.told == []
        rig.clock.now += 60
        await rig.ask("e")
        [(key, error)] = rig.told
        assert key == "e"
        assert isinstance(error, FullError)
        rig.source.end("a", None)
        await rig.ask("f")
        assert rig.source.calls[-1] == ["f"]
        rig.source.answer("f")
        assert rig.told[-1] == ("f", "F")

    in_loop(test, waiting=3)


def test_one_who_cannot_be_told_does_not_keep_the_others_from_it() -> None:
    async def test(rig: Rig) -> None:
        def fail(_: object) -> None:
            raise RuntimeError("gone")

        rig.flight.ask("a", fail)
        await rig.ask("a", "b")
        rig.source.answer("a")
        assert rig.told == [("a", "A"), ("b", "B")]

    in_loop(test)
