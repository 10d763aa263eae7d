"""Transient faults are outlasted with jittered backoff, and told without flooding the log."""

import threading
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from order_service.infra.retry import Policy, Retry, StoppedError
from tests.fakes import Clock


class TransientError(Exception):
    """What the retry is told to repeat."""


class Patient:
    """A retry whose time is the test's: a pause passes at once."""

    def __init__(self, policy: Policy, uniform: Callable[[float, float], float] = max) -> None:
        self.clock = Clock()
        self.pauses: list[float] = []
        self.retried: list[str] = []
        self.stopping = threading.Event()
        self.seen: list[tuple[bool, float]] = []
        self.retry = Retry(
            "postgres",
            policy,
            (TransientError,),
            self.stopping,
            on_retry=self.retried.append,
            uniform=uniform,
            wait=self._wait,
            clock=self.clock,
        )

    def _wait(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        self.seen.append((self.retry.exhausted, self.retry.failing_for))
        self.clock.now += seconds
        return self.stopping.is_set()


def failing(times: int) -> Callable[[], str]:
    """A call that fails so many times before it succeeds."""
    failures = iter(range(times))

    def attempt() -> str:
        if next(failures, None) is None:
            return "done"
        raise TransientError("no")

    return attempt


def test_what_succeeds_at_once_is_neither_repeated_nor_logged() -> None:
    patient = Patient(Policy(5, 0.1, 10.0))
    with capture_logs() as log:
        assert patient.retry.call(failing(0)) == "done"
    assert (patient.pauses, patient.retried, log) == ([], [], [])


def test_the_backoff_doubles_up_to_its_bound() -> None:
    patient = Patient(Policy(5, 0.1, 1.0))
    assert patient.retry.call(failing(6)) == "done"
    assert patient.pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0, 1.0])
    assert patient.retried == ["postgres"] * 6


def test_jitter_is_full_from_nothing_to_the_backoff() -> None:
    asked: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        asked.append((low, high))
        return (low + high) / 2

    patient = Patient(Policy(5, 0.1, 1.0), uniform)
    patient.retry.call(failing(3))
    assert asked == [(0.0, 0.1), (0.0, 0.2), (0.0, 0.4)]
    assert patient.pauses == pytest.approx([0.05, 0.1, 0.2])


def test_the_backoff_of_an_endless_outage_is_still_a_number() -> None:
    assert Policy(5, 0.1, 10.0).backoff(100_000) == 10.0


def test_patience_is_at_its_end_after_the_attempts_but_the_calls_go_on() -> None:
    patient = Patient(Policy(3, 1.0, 8.0))
    assert patient.retry.call(failing(5)) == "done"
    assert [exhausted for exhausted, _ in patient.seen] == [False, False, True, True, True]
    assert [age for _, age in patient.seen] == pytest.approx([0, 1, 3, 7, 15])
    assert not patient.retry.exhausted
    assert patient.retry.failing_for == 0.0


def test_every_call_has_attempts_of_its_own() -> None:
    patient = Patient(Policy(3, 1.0, 8.0))
    patient.retry.call(failing(2))
    patient.retry.call(failing(2))
    assert not any(exhausted for exhausted, _ in patient.seen)
    assert patient.pauses == [1.0, 2.0, 1.0, 2.0]


def test_other_errors_pass_through_at_once() -> None:
    patient = Patient(Policy(3, 1.0, 8.0))
    with pytest.raises(ZeroDivisionError):
        patient.retry.call(lambda: 1 // 0)
    assert patient.pauses == []


def test_an_error_that_is_not_transient_ends_an_outage() -> None:
    patient = Patient(Policy(1, 1.0, 8.0))
    errors = iter([TransientError(), KeyError()])

    def attempt() -> None:
        raise next(errors)

    with pytest.raises(KeyError):
        patient.retry.call(attempt)
    assert not patient.retry.exhausted


@pytest.mark.parametrize("before", [True, False])
def test_stopping_abandons_what_is_being_repeated(before: bool) -> None:  # noqa: FBT001
    patient = Patient(Policy(3, 1.0, 8.0))
    calls = 0

    def attempt() -> None:
        nonlocal calls
        calls += 1
        if before or calls == 3:
            patient.stopping.set()
        raise TransientError

    with pytest.raises(StoppedError):
        patient.retry.call(attempt)
    assert calls == (1 if before else 3)
    assert not patient.retry.exhausted


def test_stopping_ends_a_pause_at_once() -> None:
    stopping = threading.Event()
    retry = Retry("db", Policy(3, 3600.0, 3600.0), (TransientError,), stopping, uniform=max)
    failed = threading.Event()

    def attempt() -> None:
        failed.set()
        raise TransientError

    def stop() -> None:
        failed.wait()
        stopping.set()

    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(StoppedError):
        retry.call(attempt)
    stopper.join()


def test_a_long_outage_is_logged_once_a_minute_and_its_end_once() -> None:
    patient = Patient(Policy(3, 1.0, 1.0))
    with capture_logs() as log:
        patient.retry.call(failing(200))
    warnings = [entry for entry in log if entry["log_level"] == "warning"]
    ages = [entry["failing_for"] for entry in warnings]
    assert ages == [0.0, 1.0, 61.0, 121.0, 181.0]
    assert [entry["event"] for entry in log if entry["log_level"] == "info"] == ["backend is back"]
    assert {entry["error"] for entry in warnings} == {"no"}


def test_several_threads_share_one_retry_and_the_longest_outage_counts() -> None:
    go_on = threading.Event()
    retry = Retry(
        "db",
        Policy(1, 1.0, 8.0),
        (TransientError,),
        threading.Event(),
        wait=lambda _: not go_on.wait(10),
        clock=(clock := Clock()),
    )
    both = threading.Barrier(3, timeout=10)
    answers: list[str] = []

    def call() -> None:
        outcomes = iter([False, True])

        def attempt() -> str:
            if next(outcomes):
                return "done"
            both.wait()
            raise TransientError

        answers.append(retry.call(attempt))

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    both.wait()
    clock.now += 5.0
    go_on.set()
    for thread in threads:
        thread.join()
    assert answers == ["done", "done"]
    assert retry.failing_for == 0.0
    assert not retry.exhausted
