"""Use case: ask the accrual system about the numbers that are due, as one of any number of pollers.

No transaction is open while a question is: numbers are taken with a lease, asked about one by one,
and what was learned is kept, points included, in one transaction that counts only for what the
lease still holds. Whoever dies leaves numbers that are due again when their lease ends.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from .errors import StorageUnavailableError
from .model import Status
from .ports import (
    AccrualSystem,
    Answer,
    Due,
    Failed,
    Lease,
    PollingObserver,
    PollingStore,
    Result,
    Throttled,
    Unknown,
    Verdict,
)
from .schedule import Schedule

_log = structlog.get_logger(__name__)

Clock = Callable[[], float]


class Gate:
    """Holds all pollers of all processes while the accrual system wants to be left alone.

    In this process it closes at once; what others closed is noticed within `staleness`.
    Thread-safe.

    Args:
        store: Where all processes meet.
        clock: Monotonic seconds.
        staleness: Seconds for which the store is not asked again.
        uniform: Source of the jitter that keeps all from coming back at once.
    """

    JITTER = 0.1

    def __init__(
        self,
        store: PollingStore,
        clock: Clock = time.monotonic,
        staleness: float = 0.05,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._store = store
        self._clock = clock
        self._staleness = staleness
        self._uniform = uniform
        self._opens = float("-inf")
        self._asked = float("-inf")
        self._lock = threading.Lock()

    def closed_for(self) -> float:
        """Return the seconds until questions may be asked again, 0 if they may now."""
        if self._clock() - self._asked > self._staleness:
            asked, closed = self._clock(), self._store.closed_for()
            with self._lock:
                self._asked = asked
                self._opens = max(self._opens, asked + closed)
        return max(0.0, self._opens - self._clock())

    def close(self, seconds: float) -> None:
        """Let nobody ask for `seconds` and a little more."""
        longer = seconds * self._uniform(1.0, 1.0 + self.JITTER)
        with self._lock:
            self._opens = max(self._opens, self._clock() + longer)
        try:
            self._store.close(longer)
        except StorageUnavailableError as error:
            # Others will be told by the accrual system itself.
            _log.warning("the other pollers could not be told to wait", error=str(error))


class Pace(NamedTuple):
    """How much a poller takes at once; times in seconds.

    Attributes:
        batch: Numbers of one claim.
        lease: How long they are its own.
        settle: What was learned is kept after this time at the latest.
    """

    batch: int = 50
    lease: float = 30.0
    settle: float = 0.25


class Round(NamedTuple):
    """What one round of a poller was like.

    Attributes:
        asked: How many numbers the accrual system was heard about.
        away: Whether the accrual system did not answer at all.
    """

    asked: int
    away: bool


class Poller:
    """Asks about numbers, a batch a round. One object a thread.

    Args:
        store: Where the numbers wait.
        system: Whom to ask.
        gate: Shared by all pollers of the process.
        observer: Told of questions and results.
        stopping: Set when the process should end.
        schedule: When to ask again.
        pace: How much at once.
        clock: Monotonic seconds.
    """

    def __init__(  # noqa: PLR0913 - time and its like come in as parameters
        self,
        store: PollingStore,
        system: AccrualSystem,
        gate: Gate,
        observer: PollingObserver,
        stopping: threading.Event,
        *,
        schedule: Schedule = Schedule(),  # noqa: B008 - immutable
        pace: Pace = Pace(),  # noqa: B008 - immutable
        clock: Clock = time.monotonic,
    ) -> None:
        self._store = store
        self._system = system
        self._gate = gate
        self._schedule = schedule
        self._observer = observer
        self._stopping = stopping
        self._pace = pace
        self._clock = clock

    def round(self) -> Round:
        """Ask about a batch of numbers; nothing is asked while the gate is closed.

        Raises:
            StorageUnavailableError: What was asked about and not kept is due again when the
                lease ends.
        """
        if self._gate.closed_for() > 0:
            return Round(0, away=False)
        lease = self._store.claim(self._pace.batch, self._pace.lease)
        return self._ask_all(lease) if lease.numbers else Round(0, away=False)

    def _ask_all(self, lease: Lease) -> Round:
        began = kept_at = self._clock()
        results: list[Result] = []
        asked, away = 0, False
        for due in lease.numbers:
            if self._must_end(began):
                break
            answer = self._ask(due)
            if isinstance(answer, Throttled):
                self._gate.close(answer.seconds)
                break
            if isinstance(answer, Failed) and answer.away:
                # Nobody has heard of the number: it is no failure of it, and due again at once.
                away = True
                break
            results.append(self._result(due, answer))
            asked += 1
            if self._clock() - kept_at >= self._pace.settle:
                self._keep(lease, results)
                results, kept_at = [], self._clock()
        self._keep(lease, results)
        if rest := [due.number for due in lease.numbers[asked:]]:
            self._store.release(lease.token, rest)
        return Round(asked, away)

    def _must_end(self, began: float) -> bool:
        """Return whether to ask no further: half of the lease is left for keeping results."""
        late = self._clock() - began > self._pace.lease / 2
        return late or self._stopping.is_set() or self._gate.closed_for() > 0

    def _ask(self, due: Due) -> Answer:
        began = self._clock()
        answer = self._system.ask(due.number)
        self._observer.asked(answer, self._clock() - began)
        if isinstance(answer, Failed):
            _log.warning("the accrual system gave no answer", reason=answer.reason)
        return answer

    def _result(self, due: Due, answer: Answer) -> Result:
        if isinstance(answer, Verdict):
            final = answer.status in {Status.INVALID, Status.PROCESSED}
            delay = None if final else self._schedule.pause(due.age, 0)
            return Result(due.number, answer.status, answer.accrual, delay, 0)
        failures = due.failures + 1
        pause = self._schedule.pause(due.age, failures - isinstance(answer, Unknown))
        return Result(due.number, None, None, pause, failures)

    def _keep(self, lease: Lease, results: Sequence[Result]) -> None:
        if results:
            kept = set(self._store.settle(lease.token, results))
            self._observer.settled([result for result in results if result.number in kept])
