"""The limit on rejected messages: tells a bad deploy from a few bad messages.

When most of what arrives is refused, the fault is more likely ours, or one shop's whole
release, than that of single messages. Publishing them one by one would drain the topic into
dead letters that all have to be replayed by hand.
"""

from collections import Counter, deque
from collections.abc import Iterable
from typing import NamedTuple

from .errors import RejectionLimitError

_NAMED_REASONS = 3


class RejectionLimit(NamedTuple):
    """How many rejected messages are normal.

    Attributes:
        share: Part of the last `window` messages that may be rejected, 0 to 1; with 1
            nothing is ever too much.
        window: Messages that are looked at; fewer are never judged.
    """

    share: float
    window: int


NEVER = RejectionLimit(1.0, 200)
"""Whatever the share, nothing is too much."""


class RejectionWindow:
    """The last verdicts, in the order of the messages. Not thread-safe.

    Args:
        limit: What is still normal.
    """

    def __init__(self, limit: RejectionLimit) -> None:
        self._limit = limit
        self._verdicts: deque[str | None] = deque(maxlen=limit.window)
        self._rejected: Counter[str] = Counter()

    def accepted(self, count: int) -> None:
        """Note `count` messages in a row that were not rejected."""
        if not self._rejected:
            # The usual case, and the hot path: nothing leaves the window that was counted.
            self._verdicts.extend([None] * min(count, self._limit.window))
            return
        self.judge([None] * count)

    def judge(self, verdicts: Iterable[str | None]) -> None:
        """Note the reasons of rejected messages, None for the others, in their order.

        Raises:
            RejectionLimitError: At some message the window was full and held too many.
        """
        for verdict in verdicts:
            self._add(verdict)
            full = len(self._verdicts) == self._limit.window
            if verdict and full and self._rejected.total() > self._limit.share * self._limit.window:
                raise self._error()

    def _add(self, verdict: str | None) -> None:
        if len(self._verdicts) == self._limit.window and (oldest := self._verdicts[0]):
            self._rejected[oldest] -= 1
            if not self._rejected[oldest]:
                del self._rejected[oldest]
        self._verdicts.append(verdict)
        if verdict:
            self._rejected[verdict] += 1

    def _error(self) -> RejectionLimitError:
        common = self._rejected.most_common(_NAMED_REASONS)
        named = ", ".join(f"{reason} {count}" for reason, count in common)
        return RejectionLimitError(
            f"{self._rejected.total()} of the last {self._limit.window} messages were rejected"
            f" ({named}); more than {self._limit.share:.0%} are not made dead letters",
            dict(self._rejected),
        )
