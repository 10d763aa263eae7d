"""When a number is asked about again: soon while it is young, seldom when it is old."""

import random
from collections.abc import Callable
from typing import NamedTuple


class Schedule(NamedTuple):
    """The pauses between two questions about one number; times in seconds.

    Attributes:
        shortest: The first pause.
        longest: No pause is longer.
        share: Of the age of the number that a pause is.
        jitter: Share of the pause by which it varies, so that numbers that were uploaded
            together do not stay together.
    """

    shortest: float = 1.0
    longest: float = 600.0
    share: float = 0.1
    jitter: float = 0.2

    def pause(
        self,
        age: float,
        failures: int,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> float:
        """Return the seconds until a number of this age is due again.

        Args:
            age: Seconds since its upload.
            failures: Answers in a row that said nothing; each doubles the pause.
            uniform: Source of the jitter.
        """
        by_age = max(self.shortest, age * self.share)
        # The exponent is bounded: a number can fail for years.
        by_failures = self.shortest * 2.0 ** min(failures, 32)
        pause = min(self.longest, max(by_age, by_failures))
        return pause * uniform(1 - self.jitter, 1 + self.jitter)
