"""Polling without a database and without a network."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from uuid import UUID, uuid4

from order_service.contexts.loyalty.errors import StorageUnavailableError
from order_service.contexts.loyalty.ports import Answer, Due, Lease, Result


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class MemoryPolling:
    """Numbers in a queue; fakes :class:`ports.PollingStore`."""

    def __init__(self, clock: Clock, due: Iterable[Due]) -> None:
        self.clock = clock
        self.due = deque(due)
        self.settled: list[Sequence[Result]] = []
        self.released: list[str] = []
        self.opens = 0.0
        self.gate_reads = 0
        self.away = False

    @property
    def results(self) -> list[Result]:
        return [result for batch in self.settled for result in batch]

    def claim(self, limit: int, seconds: float) -> Lease:
        assert seconds > 0
        taken = [self.due.popleft() for _ in range(min(limit, len(self.due)))]
        return Lease(uuid4(), taken)

    def settle(self, lease: UUID, results: Sequence[Result]) -> Sequence[str]:
        assert lease.version == 4
        self.settled.append(list(results))
        return [result.number for result in results]

    def release(self, lease: UUID, numbers: Sequence[str]) -> None:
        assert lease.version == 4
        self.released += numbers

    def closed_for(self) -> float:
        self.gate_reads += 1
        if self.away:
            raise StorageUnavailableError
        return max(0.0, self.opens - self.clock())

    def close(self, seconds: float) -> None:
        if self.away:
            raise StorageUnavailableError
        self.opens = max(self.opens, self.clock() + seconds)


class ScriptedSystem:
    """Says of each number what it was told to; fakes :class:`ports.AccrualSystem`."""

    def __init__(self, answers: Mapping[str, Answer], on_ask: Callable[[], object]) -> None:
        self.answers = answers
        self.on_ask = on_ask
        self.asked: list[str] = []

    def ask(self, number: str) -> Answer:
        self.asked.append(number)
        self.on_ask()
        return self.answers[number]


class Tally:
    """Fakes :class:`ports.PollingObserver`."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.results: list[Result] = []

    def asked(self, answer: Answer, seconds: float) -> None:
        assert seconds >= 0
        self.answers.append(answer)

    def settled(self, results: Sequence[Result]) -> None:
        self.results += results
