"""The supervisor with parts that do as told, on a clock that moves only when the loop waits."""

import random
import threading
import time
from collections.abc import Callable

import pytest

from order_service.embedded.child import Child
from order_service.embedded.events import Inbox, Job, StopRequested, Workers
from order_service.embedded.restart import RestartLimits, RestartPolicy
from order_service.embedded.shutdown import StopTimeouts
from order_service.embedded.supervisor import Runtime, StartFailedError, Supervisor
from tests.unit.scripted_parts import AtOnce, Scene, ScriptedPart


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
    runtime = Runtime(scene.log, time.monotonic, inbox, Workers())

    def stop_when_all_are_up(_name: str) -> list[str]:
        if all(part.running for part in parts):
            inbox.put(StopRequested())
        return []

    Supervisor([Child(part, policy) for part in parts], runtime, stop_when_all_are_up).run()
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
    grace = StopTimeouts(start_grace=0.0)
    runtime = Runtime(scene.log, time.monotonic, inbox, Workers(), grace=grace)
    Supervisor(children, runtime, lambda _: []).run()
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
