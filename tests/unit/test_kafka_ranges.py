"""Ranges and batches of records that are read once."""

import pytest

from order_service.infra.kafka.batching import BatchLimits, in_batches
from order_service.infra.kafka.ranges import Range, Stretch, covering


class Sized:
    """A record of so many bytes."""

    def __init__(self, size: int) -> None:
        self.serialized_value_size = size
        self.serialized_key_size = -1


def test_places_near_to_each_other_share_a_range() -> None:
    assert list(covering([(0, 5), (0, 6), (0, 900), (0, 5000), (1, 5001)])) == [
        Range(0, 5, 901),
        Range(0, 5000, 5001),
        Range(1, 5001, 5002),
    ]
    assert list(covering([])) == []


@pytest.mark.parametrize(
    ("start", "first", "cut"), [(0, 0, False), (7, 7, True), (8, 7, False)], ids=str
)
def test_a_stretch_is_cut_where_the_partition_once_began_earlier(
    start: int, first: int, *, cut: bool
) -> None:
    assert Stretch(Range(0, start, 10), first, 0, committed=True).is_cut is cut


def test_batches_are_bounded_in_number_and_bytes_and_a_larger_record_is_alone() -> None:
    records = [Sized(size) for size in (1, 1, 1, 4, 9, 2, 3)]
    batches = in_batches(records, BatchLimits(max_messages=2, max_bytes=5))
    sizes = [[each.serialized_value_size for each in batch] for batch in batches]
    assert sizes == [[1, 1], [1, 4], [9], [2, 3]]
