"""How the supervisor's loop hears of things, and where blocking work is done for it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Protocol

from order_service.embedded.child import Child

Job = Callable[[], None]


@dataclass(frozen=True, slots=True)
class StartEnded:
    """`start()` of a child returned, or raised `error`."""

    child: Child
    error: Exception | None


@dataclass(frozen=True, slots=True)
class StopEnded:
    """A child is stopped, or stopping it raised `error`."""

    child: Child
    error: Exception | None


@dataclass(frozen=True, slots=True)
class StopRequested:
    """Somebody wants everything stopped; a second one wants it at once."""


@dataclass(frozen=True, slots=True)
class Wake:
    """A process ended: look which one."""


Event = StartEnded | StopEnded | StopRequested | Wake


class Inbox:
    """Events for the loop. `put` may be called from any thread."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Event] = SimpleQueue()

    def put(self, event: Event) -> None:
        """Hand over an event; never blocks."""
        self._queue.put(event)

    def get(self, timeout: float) -> Event | None:
        """Wait for the next event for at most `timeout` seconds; None if there was none."""
        try:
            return self._queue.get(timeout=max(0.0, timeout))
        except Empty:
            return None


class Executor(Protocol):
    """Where blocking work is done: `Workers`, or at once in a test."""

    def submit(self, name: str, job: Job) -> None:
        """Run `job` apart from the loop; jobs of one name one after another."""


class Workers:
    """One thread a name, kept until the process ends.

    The threads must not end earlier: Linux sends the signal of PR_SET_PDEATHSIG when the THREAD
    that forked a child ends, so a server started by a short-lived thread would die with it.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, SimpleQueue[Job]] = {}

    def submit(self, name: str, job: Job) -> None:
        """Run `job` in the thread called `name`, after the jobs given to it before."""
        if name not in self._jobs:
            self._jobs[name] = SimpleQueue()
            args = (self._jobs[name],)
            threading.Thread(target=self._work, args=args, name=name, daemon=True).start()
        self._jobs[name].put(job)

    @staticmethod
    def _work(jobs: SimpleQueue[Job]) -> None:
        while True:
            jobs.get()()


def attempt(job: Job) -> Exception | None:
    """Run `job` and return what it raised, for a loop in another thread to judge."""
    try:
        job()
    except Exception as error:  # noqa: BLE001 - whatever it is, a thread's fault must be reported
        return error
    return None
