"""A step of the start that uses the services once they are ready, and says what there is to see.

What it could not do it says, too: a demo that fails is no reason to stop what runs.
"""

import threading
from collections.abc import Sequence

from order_service.embedded.workload import ShownLine, Visit


class VisitStep:
    """Makes one visit; `lines` are what it returned, empty until then.

    Args:
        visit: What is done; it returns the lines.
    """

    name = "visit"

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._stopped = threading.Event()
        self.lines: Sequence[ShownLine] = ()

    def start(self) -> None:
        """Block until the visit is made."""
        self.lines = self._visit(self._stopped.is_set)

    def stop(self, timeout: float = 10.0) -> None:
        """Have the visit give up after its present request; does not block."""
        del timeout
        self._stopped.set()

    def kill(self) -> None:
        """Have the visit give up after its present request; does not block."""
        self._stopped.set()

    def alive(self) -> bool:
        """Never: it is a step, not a process."""
        return False
