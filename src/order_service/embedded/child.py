"""What is supervised: a part that can be started and stopped, and where it stands."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from order_service.embedded.restart import RestartPolicy


class Part(Protocol):
    """Something that can be started and stopped: a server, a process, a step of the start.

    `stop` and `kill` may be called from another thread while `start` blocks; `start` then ends
    soon, by raising.
    """

    @property
    def name(self) -> str:
        """Name for logs; unique inside a supervisor."""

    def start(self) -> None:
        """Block until it is up; raise if it cannot be."""

    def stop(self, timeout: float = 10.0) -> None:
        """End it, by force after `timeout` seconds. Harmless if it is not running."""

    def kill(self) -> None:
        """End it at once. Harmless if it is not running."""

    def alive(self) -> bool:
        """Whether it runs now; never blocks."""


class State(Enum):
    """Where a child stands; `DONE` is the end of a child that runs only once."""

    WAITING = "waiting"
    STARTING = "starting"
    UP = "up"
    DONE = "done"
    BACKOFF = "backoff"


@dataclass(eq=False)
class Child:
    """A part under supervision.

    Attributes:
        part: what is run.
        policy: how long to wait before it is started again.
        after: names of the children that must be up, or done, before its first start.
        once: it is a step of the start: done when `start()` returns, never watched.
        foundation: others need it to stop cleanly, so it is stopped last.
        bound_to: name of a child, one of `after`, whose death ends this one, too, at once.
        state: where it stands; changed by the supervisor's loop alone.
        seen_up: it came up at least once, so a fault from now on is met by a restart.
        since: when it came up last, on the supervisor's clock.
        restart_at: when it is started again if it stands in `BACKOFF`.
        start_finished: set while no `start()` is under way.
    """

    part: Part
    policy: RestartPolicy
    after: Sequence[str] = ()
    once: bool = False
    foundation: bool = False
    bound_to: str = ""
    state: State = field(default=State.WAITING, init=False)
    seen_up: bool = field(default=False, init=False)
    since: float = field(default=0.0, init=False)
    restart_at: float = field(default=0.0, init=False)
    start_finished: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        """Begin at rest: nothing is being started."""
        self.start_finished.set()

    @property
    def name(self) -> str:
        """The name of the part."""
        return self.part.name

    @property
    def ready(self) -> bool:
        """Whether those that come after it may start."""
        return self.state in (State.UP, State.DONE)
