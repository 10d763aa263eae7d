"""Keeps a set of children running and stops them all, whatever moment the stop comes at.

One loop in the calling thread owns every decision. It sleeps on an inbox into which signal
handlers and worker threads put events. Blocking work (starting a server, waiting for readiness) is
done by one worker thread a child, so that the loop always hears a stop request at once.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from order_service.embedded.child import Child, State
from order_service.embedded.events import (
    Event,
    Executor,
    Inbox,
    StartEnded,
    StopRequested,
    attempt,
)
from order_service.embedded.shutdown import Shutdown, StopTimeouts


class EventLog(Protocol):
    """The part of a structured logger that the supervisor needs."""

    def info(self, event: str, **fields: object) -> object:
        """Log what is expected."""

    def warning(self, event: str, **fields: object) -> object:
        """Log what mends itself."""

    def error(self, event: str, **fields: object) -> object:
        """Log what needs a person."""


class StartFailedError(Exception):
    """A child could not be started for the first time; the supervisor has stopped all others."""

    def __init__(self, child: str, cause: Exception) -> None:
        super().__init__(f"{child} did not start: {cause}")
        self.child = child


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a supervisor takes from outside.

    Attributes:
        log: hears of starts, deaths and restarts.
        clock: monotonic seconds.
        inbox: where signal handlers put their events.
        workers: run what blocks.
        look: deaths that raise no signal are noticed after at most this many seconds.
        grace: how long the stop may take.
    """

    log: EventLog
    clock: Callable[[], float]
    inbox: Inbox
    workers: Executor
    look: float = 1.0
    grace: StopTimeouts = field(default_factory=StopTimeouts)


class Supervisor:
    """Starts children in the order of their needs, restarts those that die, stops them all.

    `on_up` is called in the loop's thread each time that a child came up, with its name; it returns
    the names of the children that must be replaced because of that (an address has changed).
    """

    def __init__(
        self,
        children: Iterable[Child],
        runtime: Runtime,
        on_up: Callable[[str], Iterable[str]],
    ) -> None:
        self._children = {child.name: child for child in children}
        self._runtime = runtime
        self._log = runtime.log
        self._on_up = on_up
        self._failure: StartFailedError | None = None

    def run(self) -> None:
        """Supervise until a stop is requested; everything is stopped when it returns or raises.

        Raises:
            StartFailedError: a child could not be started the first time.
        """
        event: Event | None = None
        try:
            while not isinstance(event, StopRequested) and self._failure is None:
                self._look_after_all()
                event = self._runtime.inbox.get(self._until_next_look())
                if isinstance(event, StartEnded):
                    self._start_ended(event.child, event.error)
        finally:
            self._stop_all()
        if self._failure is not None:
            raise self._failure

    def _look_after_all(self) -> None:
        for child in self._children.values():
            if child.state is State.UP and not child.part.alive():
                self._died(child, "died")
            if self._is_due(child):
                self._start(child)

    def _is_due(self, child: Child) -> bool:
        if child.state is State.BACKOFF:
            return self._runtime.clock() >= child.restart_at
        return child.state is State.WAITING and all(
            self._children[name].ready for name in child.after
        )

    def _until_next_look(self) -> float:
        now = self._runtime.clock()
        backoffs = (c.restart_at for c in self._children.values() if c.state is State.BACKOFF)
        return max(0.0, min([self._runtime.look, *(at - now for at in backoffs)]))

    def _start(self, child: Child, *, replace: bool = False) -> None:
        child.state = State.STARTING
        child.start_finished.clear()

        def job() -> None:
            if replace:
                attempt(lambda: child.part.stop(self._runtime.grace.service))
            error = attempt(child.part.start)
            child.start_finished.set()
            self._runtime.inbox.put(StartEnded(child, error))

        self._runtime.workers.submit(child.name, job)

    def _start_ended(self, child: Child, error: Exception | None) -> None:
        if error is None:
            self._came_up(child)
        elif child.seen_up:
            self._died(child, f"did not come back: {error}")
        else:
            self._failure = StartFailedError(child.name, error)

    def _came_up(self, child: Child) -> None:
        self._log.info(f"{child.name} is {'done' if child.once else 'up'}", child=child.name)
        child.state = State.DONE if child.once else State.UP
        child.since = self._runtime.clock()
        child.seen_up = True
        for name in self._on_up(child.name):
            self._replace(self._children[name])

    def _replace(self, child: Child) -> None:
        if child.state is State.UP:
            self._log.info(f"{child.name} is restarted with new addresses", child=child.name)
            self._start(child, replace=True)

    def _died(self, child: Child, what: str) -> None:
        now = self._runtime.clock()
        decision = child.policy.died(now, now - child.since if child.state is State.UP else 0.0)
        self._end_bound(child)
        child.state = State.BACKOFF
        child.restart_at = now + decision.delay
        delay = round(decision.delay, 2)
        self._log.warning(f"{child.name} {what}", child=child.name, restart_in_s=delay)
        if decision.crash_loop:
            self._log.error(
                f"{child.name} has died {decision.recent_deaths} times in "
                f"{decision.window:.0f} s: see its log for the cause",
                child=child.name,
            )

    def _end_bound(self, dead: Child) -> None:
        """End those that must not meet the next life of `dead`; they wait for it then."""
        for child in self._children.values():
            if child.bound_to == dead.name and child.state is State.UP:
                self._log.info(f"{child.name} waits for {dead.name}", child=child.name)
                attempt(child.part.kill)
                child.state = State.WAITING

    def _stop_all(self) -> None:
        self._log.info("stopping", children=sorted(self._children))
        runtime = self._runtime
        shutdown = Shutdown(runtime.grace, runtime.clock, runtime.inbox, runtime.workers)
        for name in shutdown.stop(self._children.values()):
            self._log.error(f"{name} may still be running", child=name)
