"""What is refreshed and pruned in the background, and what a failure of that leaves."""

import threading

import pytest
from structlog.testing import capture_logs

from order_service.contexts.accounts import upkeep
from order_service.contexts.accounts.errors import AccountsUnavailableError
from order_service.contexts.accounts.upkeep import MANY, PRUNE_EVERY, Upkeep


class Bench:
    """Two things to read, something to prune, and a clock."""

    def __init__(self) -> None:
        self.away = False
        self.reads: list[str] = []
        self.prunes = 0
        self.deleted = 0
        self.now = 0.0
        self.stopping = threading.Event()
        self.upkeep = Upkeep(
            (self.reader("keys"), self.reader("sessions")),
            self.prune,
            self.stopping,
            first_prune=100.0,
            clock=lambda: self.now,
        )

    def reader(self, name: str) -> "Reader":
        return Reader(self, name)

    def prune(self) -> int:
        self.prunes += 1
        if self.away:
            raise AccountsUnavailableError("away")
        return self.deleted


class Reader:
    """Reads one thing."""

    def __init__(self, bench: Bench, name: str) -> None:
        self._bench = bench
        self._name = name

    def __call__(self) -> None:
        self._bench.reads.append(self._name)
        if self._bench.away:
            raise AccountsUnavailableError("away")


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_one_that_cannot_be_read_hides_no_other(bench: Bench) -> None:
    bench.away = True
    bench.upkeep.refresh()
    assert bench.reads == ["keys", "sessions"]


def test_the_log_says_once_that_it_fails_and_once_that_it_works(bench: Bench) -> None:
    with capture_logs() as log:
        for away in (True, True, False, False):
            bench.away = away
            bench.upkeep.refresh()
    assert [entry["log_level"] for entry in log] == ["warning", "info"]


def test_pruning_waits_its_time_and_goes_on_while_there_is_much(bench: Bench) -> None:
    bench.upkeep.prune()
    assert bench.prunes == 0
    bench.now, bench.deleted = 100.0, MANY
    for _ in range(3):
        bench.upkeep.prune()
    assert bench.prunes == 3
    bench.deleted = 1
    bench.upkeep.prune()
    bench.upkeep.prune()
    assert bench.prunes == 4
    bench.now += PRUNE_EVERY
    bench.away = True
    bench.upkeep.prune()
    assert bench.prunes == 5


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "EVERY", 0.001)


@pytest.mark.usefixtures("fast")
def test_it_goes_on_whatever_happens_until_the_process_stops(bench: Bench) -> None:
    failures = threading.Semaphore(0)

    def breaks() -> None:
        failures.release()
        if len(bench.reads) > 1:
            raise ZeroDivisionError
        bench.reads.append("once")

    working = Upkeep((breaks,), bench.prune, bench.stopping, 100.0)
    with capture_logs():
        threads = working.start()
        bench.reads.append("broken from here")
        for _ in range(3):
            assert failures.acquire(timeout=30)
        bench.stopping.set()
        for thread in threads:
            thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
