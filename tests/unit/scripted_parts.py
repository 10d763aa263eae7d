"""Parts of a stack that do as told, on a clock that moves only when the supervisor waits."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from order_service.embedded.child import Child
from order_service.embedded.events import Event, Inbox, Job, StopRequested
from order_service.embedded.restart import RestartLimits, RestartPolicy
from order_service.embedded.supervisor import Runtime, Supervisor


@dataclass
class ScriptedPart:
    """A part whose faults are scripted: `failures` are raised by its starts, in turn."""

    name: str
    journal: list[str]
    failures: list[Exception] = field(default_factory=list)
    running: bool = False

    def start(self) -> None:
        self.journal.append(f"start {self.name}")
        if self.failures:
            raise self.failures.pop(0)
        self.running = True

    def stop(self, timeout: float = 10.0) -> None:
        assert timeout >= 0
        self.journal.append(f"stop {self.name}")
        self.running = False

    def kill(self) -> None:
        self.journal.append(f"kill {self.name}")
        self.running = False

    def alive(self) -> bool:
        return self.running


@dataclass
class Clock:
    """Monotonic seconds that the test moves."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


class ScriptedInbox(Inbox):
    """Waiting on an empty inbox moves the clock; actions of the test happen at their time."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._actions: list[tuple[float, Callable[[], None]]] = []

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        self._actions.append((self._clock.now + seconds, action))
        self._actions.sort(key=lambda timed: timed[0])

    def get(self, timeout: float) -> Event | None:
        if (event := super().get(0)) is not None:
            return event
        until = self._clock.now + timeout
        if not self._actions or self._actions[0][0] > until:
            self._clock.now = until
            return None
        self._clock.now, action = self._actions.pop(0)
        action()
        return super().get(0)


class AtOnce:
    """Does the work in the loop's own thread."""

    def submit(self, name: str, job: Job) -> None:
        assert name
        job()


class Journal:
    """A log that remembers its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, event: str, **fields: object) -> None:
        self.lines.append(f"info {event} {fields}")

    def warning(self, event: str, **fields: object) -> None:
        self.lines.append(f"warning {event} {fields}")

    def error(self, event: str, **fields: object) -> None:
        self.lines.append(f"error {event} {fields}")

    def has(self, text: str) -> bool:
        return any(text in line for line in self.lines)


class Scene:
    """A supervisor with everything around it under the test's control."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.inbox = ScriptedInbox(self.clock)
        self.log = Journal()
        self.journal: list[str] = []
        self.workers = AtOnce()
        self.children: list[Child] = []
        self.replaces: dict[str, list[str]] = {}

    def child(
        self,
        name: str,
        after: Iterable[str] = (),
        *,
        once: bool = False,
        foundation: bool = False,
        bound_to: str = "",
    ) -> ScriptedPart:
        part = ScriptedPart(name, self.journal)
        policy = RestartPolicy(RestartLimits(), jitter=lambda: 1.0)
        child = Child(part, policy, tuple(after), once, foundation, bound_to)
        self.children.append(child)
        return part

    def run(self, stop_after: float) -> None:
        self.inbox.at(stop_after, lambda: self.inbox.put(StopRequested()))
        runtime = Runtime(self.log, self.clock, self.inbox, self.workers)
        Supervisor(self.children, runtime, lambda name: self.replaces.get(name, [])).run()

    def starts(self, name: str) -> int:
        return self.journal.count(f"start {name}")
