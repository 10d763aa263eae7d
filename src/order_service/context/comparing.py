"""Compares what two contexts say of the same things, while both are at work.

Both are read in the order of ids, some thousand at a time, so that neither is ever held in memory
or locked. What changed a moment ago may not have reached the other one yet and is left out.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple, TypeAlias
from uuid import UUID

from .claims import Claim, Meaning

_BEFORE_ALL = UUID(int=0)
_STEP = 5000

Reader: TypeAlias = Callable[[UUID, int], Sequence[Claim]]
"""Returns claims with an id above the one given, in the order of ids, at most so many."""


class Disagreement(NamedTuple):
    """One thing of which two contexts say different things.

    Attributes:
        claims: What each says; None where it knows of no such thing.
    """

    id: UUID
    claims: tuple[Claim | None, Claim | None]


class Tally(NamedTuple):
    """What a comparison came to.

    Attributes:
        compared: Things that at least one of both knows.
        in_flight: Those among them that were left out as they changed too lately.
        differ: Those among them of which both say different things.
        differences: The first of these.
    """

    compared: int
    in_flight: int
    differ: int
    differences: Sequence[Disagreement]


def compare(first: Reader, second: Reader, until: datetime, most: int = 1000) -> Tally:
    """Compare what two say.

    Args:
        first: Reads the claims of one.
        second: Reads those of the other one.
        until: What either of them changed later than this is left out.
        most: Differences that are kept; there may be more.
    """
    compared = in_flight = differ = 0
    differences: list[Disagreement] = []
    for id_, pair in _paired(first, second):
        compared += 1
        if _agree(*pair):
            continue
        if any(claim and claim.changed_at > until for claim in pair):
            in_flight += 1
            continue
        differ += 1
        if len(differences) < most:
            differences.append(Disagreement(id_, pair))
    return Tally(compared, in_flight, differ, differences)


def _paired(
    first: Reader, second: Reader
) -> Iterator[tuple[UUID, tuple[Claim | None, Claim | None]]]:
    """Yield what both say of each thing, in the order of ids."""
    merged = heapq.merge(_all(first, 0), _all(second, 1), key=lambda each: each[:2])
    for id_, group in groupby(merged, key=lambda each: each[0]):
        found: dict[int, Claim] = {side: claim for _, side, claim in group}
        yield id_, (found.get(0), found.get(1))


def _all(reader: Reader, side: int) -> Iterator[tuple[UUID, int, Claim]]:
    after = _BEFORE_ALL
    while claims := reader(after, _STEP):
        yield from ((claim.id, side, claim) for claim in claims)
        after = claims[-1].id


def _agree(one: Claim | None, other: Claim | None) -> bool:
    """Return whether two claims mean the same; what is undecided agrees with nothing."""
    if one is None or other is None or Meaning.UNDECIDED in {one.meaning, other.meaning}:
        return False
    return (one.meaning, one.amount) == (other.meaning, other.amount)
