"""The supervisor with parts that do as told, on a clock that moves only when the loop waits."""

import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest

from order_service.embedded.child import Child
from order_service.embedded.events import Event, Inbox, Job, StopRequested, Workers
from order_service.embedded.restart import RestartLimits, RestartPolicy
from order_service.embedded.shutdown import Grace
from order_service.embedded.supervisor import StartFailedError, Supervisor, Surroundings


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
        around = Surroundings(self.log, self.clock, self.inbox, self.workers)
        Supervisor(self.children, around, lambda name: self.replaces.get(name, [])).run()

    def starts(self, name: str) -> int:
        return self.journal.count(f"start {name}")


@pytest.fixture
def scene() -> Scene:
    return Scene()


def dies(part: ScriptedPart) -> Callable[[], None]:
    def die() -> None:
        part.running = False

    return die


def test_a_child_starts_only_after_those_that_it_needs(scene: Scene) -> None:
    scene.child("api", after=["migrate"])
    scene.child("migrate", after=["postgres"], once=True)
    scene.child("postgres", foundation=True)
    scene.run(stop_after=5)
    assert scene.journal[:3] == ["start postgres", "start migrate", "start api"]


class Meeting(ScriptedPart):
    """Is up only once all the others are being started, too."""

    meeting: threading.Barrier

    def start(self) -> None:
        self.meeting.wait(timeout=10)
        super().start()


def test_children_that_need_nothing_start_without_waiting_for_each_other(scene: Scene) -> None:
    inbox = Inbox()
    parts = [Meeting(name, scene.journal) for name in ("postgres", "valkey", "kafka")]
    meeting = threading.Barrier(len(parts))
    for part in parts:
        part.meeting = meeting
    policy = RestartPolicy(RestartLimits(), random.random)
    around = Surroundings(scene.log, time.monotonic, inbox, Workers())

    def stop_when_all_are_up(_name: str) -> list[str]:
        if all(part.running for part in parts):
            inbox.put(StopRequested())
        return []

    Supervisor([Child(part, policy) for part in parts], around, stop_when_all_are_up).run()
    assert not meeting.broken


def test_services_are_stopped_before_the_servers_that_they_stand_on(scene: Scene) -> None:
    scene.child("postgres", foundation=True)
    scene.child("api", after=["postgres"])
    scene.child("consumer", after=["postgres"])
    scene.run(stop_after=5)
    assert scene.journal[-1] == "stop postgres"
    assert set(scene.journal[-3:-1]) == {"stop api", "stop consumer"}


def test_a_child_that_dies_is_started_again_after_its_backoff(scene: Scene) -> None:
    api = scene.child("api")
    scene.inbox.at(3, dies(api))
    scene.run(stop_after=10)
    assert scene.starts("api") == 2
    assert scene.log.has("warning api died")
    assert scene.log.has("'restart_in_s': 0.2")


def test_a_step_that_is_done_is_not_taken_for_a_death(scene: Scene) -> None:
    migrate = scene.child("migrate", once=True)
    scene.inbox.at(3, dies(migrate))
    scene.run(stop_after=10)
    assert scene.starts("migrate") == 1


def test_a_server_that_fails_its_restart_is_tried_again(scene: Scene) -> None:
    postgres = scene.child("postgres", foundation=True)

    def die_and_fail_twice() -> None:
        postgres.running = False
        postgres.failures = [OSError("port taken"), OSError("port taken")]

    scene.inbox.at(3, die_and_fail_twice)
    scene.run(stop_after=30)
    assert scene.starts("postgres") == 4
    assert scene.log.has("postgres did not come back: port taken")


def test_a_crash_loop_is_said_plainly(scene: Scene) -> None:
    consumer = scene.child("consumer")
    for second in range(1, 30, 6):
        scene.inbox.at(second, dies(consumer))
    scene.run(stop_after=30)
    assert scene.log.has("error consumer has died 5 times in 60 s")
    assert not scene.log.has("has died 4 times")


def test_a_first_start_that_fails_stops_all_and_says_what_failed(scene: Scene) -> None:
    valkey = scene.child("valkey", foundation=True)
    scene.child("postgres", foundation=True).failures = [OSError("disk full")]
    with pytest.raises(StartFailedError, match="postgres did not start: disk full"):
        scene.run(stop_after=5)
    assert not valkey.running


def test_a_new_address_replaces_the_children_that_use_it(scene: Scene) -> None:
    broker = scene.child("kafka", foundation=True)
    consumer = scene.child("consumer", after=["kafka"])
    scene.child("api")
    scene.replaces = {"kafka": ["consumer"]}
    scene.inbox.at(3, dies(broker))
    scene.run(stop_after=10)
    assert scene.starts("consumer") == 2
    assert scene.starts("api") == 1
    assert scene.journal.index("stop consumer") > scene.journal.index("start kafka")
    assert not consumer.running


def test_a_bound_child_ends_with_the_other_and_waits_until_that_is_back(scene: Scene) -> None:
    broker = scene.child("kafka", foundation=True)
    scene.child("consumer", after=["kafka"], bound_to="kafka")
    scene.inbox.at(3, dies(broker))
    scene.run(stop_after=10)
    life = ["start kafka", "start consumer"]
    assert scene.journal[:5] == [*life, "kill consumer", *life]
    assert not scene.log.has("warning consumer died")


class LateStart(ScriptedPart):
    """Comes up only when it is stopped: the stop overtakes the start."""

    asked_to_stop: threading.Event
    entered: Callable[[], None]

    def start(self) -> None:
        self.asked_to_stop = threading.Event()
        self.entered()
        self.asked_to_stop.wait()
        super().start()

    def stop(self, timeout: float = 10.0) -> None:
        super().stop(timeout)
        self.asked_to_stop.set()


def test_a_stop_in_the_middle_of_a_start_leaves_nothing_running(scene: Scene) -> None:
    inbox = Inbox()
    late = LateStart("postgres", scene.journal)
    late.entered = lambda: inbox.put(StopRequested())
    children = [Child(late, RestartPolicy(RestartLimits(), random.random), foundation=True)]
    grace = Grace(settle=0.0)
    around = Surroundings(scene.log, time.monotonic, inbox, Workers(), grace=grace)
    Supervisor(children, around, lambda _: []).run()
    assert scene.journal == ["stop postgres", "start postgres", "stop postgres"]
    assert not late.running


class Deaf(ScriptedPart):
    """A part that ignores a stop."""

    def stop(self, timeout: float = 10.0) -> None:
        self.journal.append(f"stop {self.name} within {timeout:.0f} s")


class NeverStops(AtOnce):
    """Stops of one child block for ever."""

    def submit(self, name: str, job: Job) -> None:
        if name != "stop-deaf":
            job()


def deaf_child(scene: Scene) -> Deaf:
    part = Deaf("deaf", scene.journal)
    scene.children.append(Child(part, RestartPolicy(RestartLimits(), jitter=lambda: 1.0)))
    scene.workers = NeverStops()
    return part


def test_a_child_whose_stop_hangs_is_killed_within_the_promised_15_seconds(scene: Scene) -> None:
    part = deaf_child(scene)
    scene.child("postgres", foundation=True)
    began = scene.clock.now
    scene.run(stop_after=5)
    assert not part.running
    assert scene.clock.now - began - 5 < 15


def test_a_second_stop_request_kills_what_the_first_only_asked_to_end(scene: Scene) -> None:
    deaf_child(scene)
    scene.inbox.at(6, lambda: scene.inbox.put(StopRequested()))
    began = scene.clock.now
    scene.run(stop_after=5)
    killed_after = scene.journal.index("kill deaf")
    assert killed_after > 0
    assert scene.clock.now - began < 15


def test_delays_double_up_to_their_ceiling() -> None:
    policy = RestartPolicy(RestartLimits(base_delay=1, max_delay=10), jitter=lambda: 1.0)
    delays = [policy.died(now=second, uptime=0).delay for second in range(7)]
    assert delays == [1, 2, 4, 8, 10, 10, 10]


def test_jitter_takes_at_most_half_of_a_delay() -> None:
    policy = RestartPolicy(RestartLimits(base_delay=1, max_delay=10), jitter=lambda: 0.0)
    assert [policy.died(now=second, uptime=0).delay for second in range(3)] == [0.5, 1, 2]


def test_a_child_that_stayed_up_long_enough_starts_over_with_the_first_delay() -> None:
    policy = RestartPolicy(RestartLimits(base_delay=1, stable_after=20), jitter=lambda: 1.0)
    for second in range(5):
        policy.died(now=second, uptime=0.5)
    assert policy.died(now=100, uptime=20).delay == 1


def test_only_deaths_inside_the_window_make_a_crash_loop() -> None:
    policy = RestartPolicy(RestartLimits(loop_deaths=3, loop_window=60), jitter=lambda: 1.0)
    verdicts = [policy.died(now=second, uptime=1) for second in (0, 30, 59, 61, 200)]
    assert [verdict.crash_loop for verdict in verdicts] == [False, False, True, True, False]
    assert [verdict.recent_deaths for verdict in verdicts] == [1, 2, 3, 3, 1]


def test_ten_thousand_deaths_do_not_overflow_the_delay() -> None:
    policy = RestartPolicy(RestartLimits(max_delay=15), jitter=lambda: 1.0)
    delays = [policy.died(now=n, uptime=0).delay for n in range(10_000)]
    assert delays[-1] == 15
