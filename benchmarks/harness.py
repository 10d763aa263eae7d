"""Ours against another, alternately: figures, their ratio pair by pair, the verdict.

Absolute figures on a shared machine say little; two figures that were taken within seconds
of each other say how the one thing compares with the other. So nothing but ratios is held
against a goal, and each is the median of several pairs with its spread beside it.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

T = TypeVar("T")

TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes:
        name: `quick` (does it work), `default` or `full` (all rows at the sizes of the goals).
        pairs: Runs of each side that count.
        seconds: Length of one run under load.
        orders: Orders of one ingest run.
        traffic: Orders and lookups after which memory is looked at.
        stored: Orders in the grown database.
    """

    name: str
    pairs: int
    seconds: float
    orders: int
    traffic: int
    stored: int


QUICK = Scale("quick", 1, 1.0, 4_000, 2_000, 2_000)
DEFAULT = Scale("default", 3, 1.5, 30_000, 40_000, 200_000)
FULL = Scale("full", 5, 5.0, 100_000, 1_000_000, 5_000_000)


@dataclass(frozen=True)
class Goal:
    """What a ratio (or, with a unit, a plain figure) must be."""

    bound: float
    at_least: bool
    unit: str = TIMES

    def is_met_by(self, value: float) -> bool:
        """Return whether `value` is on the right side of the bound."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g} {self.unit}"


def at_least(bound: float) -> Goal:
    """Return the goal of a ratio where more is better."""
    return Goal(bound, at_least=True)


def at_most(bound: float, unit: str = TIMES) -> Goal:
    """Return the goal of a ratio, or of a figure with a unit, where less is better."""
    return Goal(bound, at_least=False, unit=unit)


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: What is measured.
        against: What it is compared with; empty for a figure that stands alone.
        goal: What must come out, None for a line that only informs.
        ours: Figures of the service, one a pair.
        theirs: Figures of what it is compared with, as many; empty if it stands alone.
        unit: Of both.
        conditions: Everything that must be known to judge the figures.
        reduced: The sizes are smaller than those of the goal.
        skipped: Why nothing could be measured; empty if it was.
    """

    what: str
    against: str
    goal: Goal | None
    ours: Sequence[float]
    theirs: Sequence[float]
    unit: str
    conditions: str
    reduced: bool = False
    skipped: str = ""

    @property
    def own(self) -> float:
        """The median figure of the service."""
        return median(self.ours)

    @property
    def other(self) -> float | None:
        """The median figure of what it is compared with."""
        return median(self.theirs) if self.theirs else None

    @property
    def judged(self) -> Sequence[float]:
        """What is held against the goal: ratios pair by pair, or the figures themselves."""
        if not self.theirs:
            return self.ours
        return [own / other for own, other in zip(self.ours, self.theirs, strict=True)]

    @property
    def value(self) -> float:
        """The median of what is judged."""
        return median(self.judged)

    @property
    def spread(self) -> str:
        """The lowest and the highest of what is judged."""
        return f"{figure(min(self.judged))} to {figure(max(self.judged))}"

    @property
    def verdict(self) -> str:
        """Whether the goal is met."""
        if self.skipped:
            return f"skipped: {self.skipped}"
        if self.goal is None:
            return "no goal"
        word = "met" if self.goal.is_met_by(self.value) else "**not met**"
        return f"{word} (reduced size)" if self.reduced else word


def figure(value: float) -> str:
    """Return a number with as many digits as it deserves."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 3 if abs(value) < 1 else 2  # noqa: PLR2004 - powers of ten
    return f"{value:,.{digits}f}"


def alternate(
    ours: Callable[[], float], theirs: Callable[[], float], pairs: int
) -> tuple[list[float], list[float]]:
    """Run both alternately, once to warm up and then `pairs` times; return their figures."""
    return take_turns(ours, theirs, pairs, float)


def in_rounds(runs: Sequence[Callable[[], float]], rounds: int) -> list[list[float]]:
    """Like `alternate`, for any number of sides; return the figures of each."""
    for run in runs:
        run()
    taken = [
        [say(side, run()) for side, run in zip("ABCDEF", runs, strict=False)] for _ in range(rounds)
    ]
    return [list(figures) for figures in zip(*taken, strict=True)]


def take_turns(
    ours: Callable[[], T], theirs: Callable[[], T], pairs: int, shown: Callable[[T], float]
) -> tuple[list[T], list[T]]:
    """Like `alternate`, for runs that yield more than the figure that is `shown` meanwhile."""
    ours()
    theirs()

    def once(side: str, run: Callable[[], T]) -> T:
        result = run()
        say(side, shown(result))
        return result

    taken = [(once("A", ours), once("B", theirs)) for _ in range(pairs)]
    return [a for a, _ in taken], [b for _, b in taken]


def say(side: str, value: float) -> float:
    """Show a figure to whoever waits, and return it."""
    print(f"    {side} {figure(value)}", file=sys.stderr, flush=True)
    return value


def show(row: Row) -> None:
    """Print a row for a person."""
    print(f"\n{row.what}" + (f"\n  compared with: {row.against}" if row.against else ""))
    if row.skipped:
        print(f"  {row.verdict}", flush=True)
        return
    print(f"  ours    {_series(row.ours)} {row.unit}")
    if row.theirs:
        print(f"  other   {_series(row.theirs)} {row.unit}")
        print(f"  ratios  {_series(row.judged)}")
    print(f"  median  {figure(row.value)}, {row.spread}; goal {row.goal}: {row.verdict}")
    print(f"  {row.conditions}", flush=True)


def _series(values: Sequence[float]) -> str:
    return "  ".join(map(figure, values))
