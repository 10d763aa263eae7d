"""What a poller does with each answer, and when it stops asking."""

import threading
from collections.abc import Callable, Mapping

import pytest

from order_service.contexts.loyalty.errors import StorageUnavailableError
from order_service.contexts.loyalty.model import Status
from order_service.contexts.loyalty.polling import Gate, Pace, Poller, Round
from order_service.contexts.loyalty.ports import (
    Answer,
    Due,
    Failed,
    Result,
    Throttled,
    Unknown,
    Verdict,
)
from order_service.contexts.loyalty.schedule import Schedule
from tests.unit.loyalty.fakes import Clock, MemoryPolling, ScriptedSystem, Tally

FIRM = Schedule(shortest=1.0, longest=600.0, share=0.1, jitter=0.0)
PROCESSED = Verdict(Status.PROCESSED, 72998)


class Bench:
    """A poller on fakes."""

    def __init__(
        self,
        answers: Mapping[str, Answer],
        *,
        due: list[Due] | None = None,
        on_ask: Callable[["Bench"], object] = lambda _: None,
        pace: Pace | None = None,
    ) -> None:
        self.clock = Clock()
        self.store = MemoryPolling(self.clock, due or [Due(number, 0, 0) for number in answers])
        self.system = ScriptedSystem(answers, lambda: on_ask(self))
        self.tally = Tally()
        self.stopping = threading.Event()
        self.gate = Gate(self.store, self.clock, uniform=lambda low, _: low)
        self.poller = Poller(
            self.store,
            self.system,
            self.gate,
            self.tally,
            self.stopping,
            schedule=FIRM,
            pace=pace or Pace(),
            clock=self.clock,
        )


def test_a_finished_order_is_kept_with_its_points_and_never_due_again() -> None:
    bench = Bench({"1": PROCESSED, "2": Verdict(Status.INVALID, None)})
    assert bench.poller.round() == Round(2, away=False)
    assert bench.store.results == [
        Result("1", Status.PROCESSED, 72998, None, 0),
        Result("2", Status.INVALID, None, None, 0),
    ]
    assert bench.tally.results == bench.store.results
    assert bench.tally.answers == [PROCESSED, Verdict(Status.INVALID, None)]


def test_an_order_that_is_being_calculated_is_due_again_by_its_age() -> None:
    answer = Verdict(Status.PROCESSING, None)
    bench = Bench({"1": answer, "2": answer}, due=[Due("1", 0, 5), Due("2", 600, 0)])
    bench.poller.round()
    # The failures before it are forgotten: it is known now.
    assert bench.store.results == [
        Result("1", Status.PROCESSING, None, 1, 0),
        Result("2", Status.PROCESSING, None, 60, 0),
    ]


def test_an_unknown_order_and_a_failure_leave_the_status_and_are_due_later_each_time() -> None:
    bench = Bench(
        {"1": Unknown(), "2": Failed("500"), "3": Failed("500")},
        due=[Due("1", 0, 3), Due("2", 0, 0), Due("3", 0, 3)],
    )
    bench.poller.round()
    assert bench.store.results == [
        Result("1", None, None, 8, 4),
        Result("2", None, None, 2, 1),
        Result("3", None, None, 16, 4),
    ]


def test_a_429_ends_the_round_and_closes_the_gate_for_all() -> None:
    bench = Bench({"1": PROCESSED, "2": Throttled(60), "3": PROCESSED})
    other = Gate(bench.store, bench.clock)
    assert bench.poller.round() == Round(1, away=False)
    assert bench.system.asked == ["1", "2"]
    assert [result.number for result in bench.store.results] == ["1"]
    # Being told to wait is no failure of the number.
    assert bench.store.released == ["2", "3"]
    assert other.closed_for() == bench.gate.closed_for() == 60
    bench.store.due.append(Due("3", 0, 0))
    bench.clock.now += 59
    assert bench.poller.round() == Round(0, away=False)
    bench.clock.now += 1
    assert bench.poller.round() == Round(1, away=False)


def test_a_gate_that_others_close_is_noticed_in_the_middle_of_a_round() -> None:
    def close(bench: Bench) -> None:
        bench.store.opens = bench.clock.now + 30
        bench.clock.now += 0.06

    bench = Bench({"1": PROCESSED, "2": PROCESSED}, on_ask=close)
    assert bench.poller.round() == Round(1, away=False)
    assert bench.store.released == ["2"]


def test_the_gate_does_not_ask_its_store_for_every_question() -> None:
    bench = Bench({str(n): PROCESSED for n in range(50)})
    bench.poller.round()
    assert bench.store.gate_reads == 1


def test_a_gate_that_cannot_tell_the_others_still_holds_its_own_process() -> None:
    bench = Bench({"1": Throttled(60), "2": PROCESSED})
    bench.gate.closed_for()
    bench.store.away = True
    bench.gate.close(60)
    bench.store.away = False
    assert bench.poller.round() == Round(0, away=False)


def test_a_system_that_is_away_ends_the_round_and_costs_no_number_a_pause() -> None:
    away = Failed("no connection", away=True)
    bench = Bench({"1": PROCESSED, "2": away, "3": PROCESSED}, due=[Due(n, 0, 0) for n in "123"])
    assert bench.poller.round() == Round(1, away=True)
    assert [result.number for result in bench.store.results] == ["1"]
    assert bench.store.released == ["2", "3"]
    assert bench.tally.answers == [PROCESSED, away]


def test_what_was_learned_is_kept_soon_although_the_round_goes_on() -> None:
    def take_time(bench: Bench) -> None:
        bench.clock.now += 0.1

    bench = Bench({str(n): PROCESSED for n in range(7)}, on_ask=take_time)
    bench.poller.round()
    assert [len(batch) for batch in bench.store.settled] == [3, 3, 1]


def test_a_slow_system_does_not_outlast_the_lease() -> None:
    def take_time(bench: Bench) -> None:
        bench.clock.now += 6

    bench = Bench({str(n): PROCESSED for n in range(9)}, on_ask=take_time, pace=Pace(lease=30))
    bench.poller.round()
    assert bench.system.asked == ["0", "1", "2"]
    assert bench.store.released == ["3", "4", "5", "6", "7", "8"]


def test_a_stop_gives_back_what_was_not_asked_about() -> None:
    bench = Bench({"1": PROCESSED, "2": PROCESSED}, on_ask=lambda bench: bench.stopping.set())
    bench.poller.round()
    assert [result.number for result in bench.store.results] == ["1"]
    assert bench.store.released == ["2"]


def test_a_store_that_is_away_is_told_to_who_polls() -> None:
    bench = Bench({"1": PROCESSED})
    bench.store.away = True
    with pytest.raises(StorageUnavailableError):
        bench.poller.round()
    assert not bench.system.asked
