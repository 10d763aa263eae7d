"""Offsets of partitions, as whoever reads a topic once names them."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

_NEAR = 1000
"""Offsets between two places over which reading on is cheaper than seeking."""


class Range(NamedTuple):
    """Offsets of one partition, from `start` to before `stop`."""

    partition: int
    start: int
    stop: int


class Stretch(NamedTuple):
    """What a group has consumed of one partition since a moment.

    Attributes:
        consumed: The offsets, up to those that the group has committed.
        first: The oldest offset that the partition still holds.
        waiting: How many offsets behind the committed one are on their way.
        committed: Whether the group has committed anything here; if not, nothing is consumed.
    """

    consumed: Range
    first: int
    waiting: int
    committed: bool

    @property
    def is_cut(self) -> bool:
        """Whether the stretch begins where the partition does, which once began earlier."""
        return self.consumed.start == self.first > 0


def covering(places: Iterable[tuple[int, int]]) -> Iterator[Range]:
    """Yield ranges that hold all `places`; those near to each other share one.

    Args:
        places: Partition and offset, ascending.
    """
    last: Range | None = None
    for partition, offset in places:
        if last and last.partition == partition and offset - last.stop < _NEAR:
            last = last._replace(stop=offset + 1)
            continue
        if last:
            yield last
        last = Range(partition, offset, offset + 1)
    if last:
        yield last
