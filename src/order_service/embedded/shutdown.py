"""Stops all children within a bounded time: first the services, then what they stand on."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from order_service.embedded.child import Child
from order_service.embedded.events import Executor, Inbox, StopEnded, StopRequested, attempt


@dataclass(frozen=True, slots=True)
class StopTimeouts:
    """How long a stop may take, in seconds; the sum stays below the promised 15.

    Attributes:
        service: a service may use this to finish what it does, then it is killed.
        server: the same for a foundation.
        start_grace: a foundation that is being started gets this to come up before it is stopped.
        kill: what was killed gets this to be gone.
    """

    service: float = 6.0
    server: float = 4.0
    start_grace: float = 2.0
    kill: float = 1.0


_AGAIN_S = 0.2


class Shutdown:
    """Stops children in two waves, each in parallel; a second request kills instead of waiting."""

    def __init__(
        self, grace: StopTimeouts, clock: Callable[[], float], inbox: Inbox, workers: Executor
    ) -> None:
        self._grace = grace
        self._clock = clock
        self._inbox = inbox
        self._workers = workers
        self._forced = False
        self._done = False

    def stop(self, children: Iterable[Child]) -> list[str]:
        """Block until all are stopped or their time is over; names of those that may still run."""
        everyone = list(children)
        self._wave([child for child in everyone if not child.foundation], self._grace.service, 0.0)
        servers = [child for child in everyone if child.foundation]
        self._wave(servers, self._grace.server, self._grace.start_grace)
        self._done = True
        return [child.name for child in everyone if not child.once and child.part.alive()]

    def _wave(self, children: list[Child], grace: float, start_grace: float) -> None:
        pending = set(children)
        for child in children:
            self._workers.submit(
                f"stop-{child.name}", partial(self._end, child, grace, start_grace)
            )
        deadline = self._clock() + start_grace + grace + self._grace.kill
        if self._forced:
            self._kill(pending)
        while pending and (left := deadline - self._clock()) > 0:
            event = self._inbox.get(left)
            if isinstance(event, StopEnded):
                pending.discard(event.child)
            elif isinstance(event, StopRequested):
                self._forced = True
                self._kill(pending)
        self._kill(pending)

    def _end(self, child: Child, grace: float, start_grace: float) -> None:
        error = attempt(lambda: self._stop_even_while_starting(child, grace, start_grace))
        self._inbox.put(StopEnded(child, error))

    def _stop_even_while_starting(self, child: Child, grace: float, start_grace: float) -> None:
        if not self._forced:
            child.start_finished.wait(start_grace)
        child.part.stop(0.0 if self._forced else grace)
        # A start under way may begin its process just after a stop.
        while not child.start_finished.wait(_AGAIN_S) and not self._done:
            child.part.kill()
        if child.part.alive():
            child.part.stop(grace)

    @staticmethod
    def _kill(children: Iterable[Child]) -> None:
        for child in children:
            attempt(child.part.kill)
