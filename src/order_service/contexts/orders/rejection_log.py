"""Says in the log which messages were rejected: where they stand and why, never what they hold.

A poisoned topic has thousands of them. One line speaks for all of some seconds; every single
one is in the dead-letter topic.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence

import structlog

from order_service.messaging.ports import DeadLetter

_log = structlog.get_logger(__name__)


class RejectionLog:
    """Gathers rejected messages into few lines. Not thread-safe.

    Args:
        every: Least seconds between two lines.
        clock: Monotonic seconds.
    """

    NAMED = 10
    """Messages that one line names."""

    def __init__(self, every: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._every = every
        self._clock = clock
        self._due = float("-inf")
        self._first: list[DeadLetter] = []
        self._reasons: Counter[str] = Counter()

    def add(self, letters: Sequence[DeadLetter]) -> None:
        """Note rejected messages, and write a line if one is due."""
        self._first += letters[: self.NAMED - len(self._first)]
        self._reasons.update(letter.reason for letter in letters)
        self.flush()

    def flush(self) -> None:
        """Write a line if there is something to say and the last one is long enough ago."""
        if self._first and self._clock() >= self._due:
            self._write()
            self._due = self._clock() + self._every
            self._first = []
            self._reasons.clear()

    def _write(self) -> None:
        first = self._first[0].message
        _log.warning(
            "messages were rejected",
            count=self._reasons.total(),
            reasons=dict(self._reasons),
            topic=first.topic,
            partition=first.partition,
            offset=first.offset,
            positions=[_position(letter) for letter in self._first],
        )


def _position(letter: DeadLetter) -> str:
    return f"{letter.message.partition}:{letter.message.offset}"
