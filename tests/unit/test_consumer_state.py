"""How far the consumer has got, and when it counts as stuck."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest
from kafka import OffsetAndMetadata, TopicPartition

from order_service.infra.kafka.batching import split
from order_service.infra.kafka.offset_tracker import OffsetTracker, offsets_behind
from order_service.infra.kafka.progress import (
    ConsumerProgress,
    ConsumptionPausedError,
    Snapshot,
)
from order_service.infra.kafka.watchdog import EXIT_CODE, Watchdog, stuck
from tests.fakes import Clock

ZERO, ONE = TopicPartition("orders", 0), TopicPartition("orders", 1)
WELL = Snapshot(2, lag=0, fetch_age=0.1, progress_age=0.1, loop_age=0.1, paused=None)


class Record(NamedTuple):
    """What the tracker and the split look at."""

    partition: int
    offset: int
    serialized_value_size: int = 10
    serialized_key_size: int = 0
    topic: str = "orders"
    leader_epoch: int = 4


class Batches:
    """Remembers the batches that were taken."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def taken(self, messages: int, size: int) -> None:
        self.seen.append((messages, size))

    def took(self, stage: str, seconds: float) -> None:
        raise AssertionError(stage, seconds)


class Told:
    """Remembers what an observer of the consumer is told."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    def fetched(self) -> None:
        self.seen.append("fetched")

    def lag(self, messages: Mapping[int, int]) -> None:
        self.seen.append(dict(messages))

    def gap(self, messages: int) -> None:
        self.seen.append(messages)

    def paused(self, causes: Mapping[str, int]) -> None:
        self.seen.append(dict(causes))

    def stalled(self) -> None:
        self.seen.append("stalled")


def behind(partition: TopicPartition, offset: int) -> Any:  # noqa: ANN401 - untyped library
    return {partition: OffsetAndMetadata(offset, "", -1)}


def test_the_offset_to_commit_is_the_one_behind_the_last_message_of_each_partition() -> None:
    batch = [Record(0, 5), Record(0, 6), Record(1, 9)]
    offsets = {tp: (o.offset, o.leader_epoch) for tp, o in offsets_behind(batch).items()}
    assert offsets == {ZERO: (7, 4), ONE: (10, 4)}


def test_a_tracker_knows_nothing_of_what_was_not_read() -> None:
    tracker = OffsetTracker()
    assert tracker.expected(ZERO) is None
    assert tracker.reached(ZERO) is None
    assert tracker.to_commit({ZERO}) == {}


def test_a_partition_is_reached_up_to_what_is_stored_not_to_what_is_read() -> None:
    tracker = OffsetTracker()
    tracker.read(ZERO, 5, 9)
    assert (tracker.expected(ZERO), tracker.reached(ZERO)) == (10, 5)
    tracker.stored(behind(ZERO, 8), {ZERO})
    assert tracker.reached(ZERO) == 8


def test_what_is_stored_is_to_be_committed_until_it_is() -> None:
    tracker = OffsetTracker()
    tracker.stored(behind(ZERO, 8), {ZERO, ONE})
    tracker.stored(behind(ZERO, 12) | behind(ONE, 3), {ZERO, ONE})
    assert {tp: o.offset for tp, o in tracker.to_commit({ZERO, ONE}).items()} == {ZERO: 12, ONE: 3}
    assert tracker.to_commit({ONE}).keys() == {ONE}
    tracker.committed()
    assert tracker.to_commit({ZERO, ONE}) == {}


def test_what_another_consumer_reads_now_is_not_committed_by_this_one() -> None:
    tracker = OffsetTracker()
    tracker.stored(behind(ZERO, 8), {ONE})
    assert tracker.to_commit({ZERO, ONE}) == {}


def test_partitions_that_went_away_are_forgotten_and_the_others_kept() -> None:
    tracker = OffsetTracker()
    tracker.read(ZERO, 0, 4)
    tracker.read(ONE, 0, 4)
    tracker.keep({ONE})
    assert (tracker.expected(ZERO), tracker.expected(ONE)) == (None, 5)
    assert tracker.reached(ZERO) is None


@pytest.mark.parametrize(
    ("sizes", "batches"),
    [
        ([], []),
        ([10, 10, 10], [(3, 30)]),
        ([10, 10, 11], [(2, 20), (1, 11)]),
        ([31], [(1, 31)]),
        ([10, 99, 10], [(1, 10), (1, 99), (1, 10)]),
        ([30, 30], [(1, 30), (1, 30)]),
        ([0, 0], [(2, 0)]),
    ],
)
def test_batches_are_bounded_in_bytes_and_a_larger_message_is_one_of_its_own(
    sizes: list[int], batches: list[tuple[int, int]]
) -> None:
    records = [Record(0, offset, size) for offset, size in enumerate(sizes)]
    told = Batches()
    parts = [list(part) for part in split(records, 30, told)]
    assert [record for part in parts for record in part] == records
    assert [(len(part), sum(r.serialized_value_size for r in part)) for part in parts] == batches
    assert told.seen == batches


def test_keys_count_and_missing_keys_and_values_do_not() -> None:
    told = Batches()
    list(split([Record(0, 0, -1, -1), Record(0, 1, 5, 7)], 30, told))
    assert told.seen == [(2, 12)]


def test_progress_tells_ages_from_the_last_of_each_event() -> None:
    clock = Clock()
    progress = ConsumerProgress(Told(), clock)
    assert progress.snapshot() == Snapshot(0, None, 0.0, 0.0, 0.0, None)
    clock.now += 10
    progress.turned()
    clock.now += 10
    progress.fetched()
    clock.now += 10
    progress.paused(ConsumptionPausedError("too many", {"empty": 7}))
    assert progress.snapshot() == Snapshot(0, None, 10.0, 30.0, 20.0, "too many")


def test_a_measured_lag_of_nothing_is_progress_and_any_other_is_not() -> None:
    clock = Clock()
    progress = ConsumerProgress(Told(), clock)
    clock.now += 10
    progress.measured({0: 3, 1: 4})
    assert progress.snapshot() == Snapshot(2, 7, 0.0, 10.0, 10.0, None)
    progress.measured({0: 0, 1: 0})
    assert progress.snapshot().progress_age == 0.0


def test_a_consumer_without_a_partition_has_no_lag() -> None:
    progress = ConsumerProgress(Told(), Clock())
    progress.measured({})
    assert (progress.snapshot().partitions, progress.snapshot().lag) == (0, 0)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (WELL, None),
        (WELL._replace(loop_age=61), "the loop stands still"),
        (WELL._replace(fetch_age=61), "no broker answers"),
        (WELL._replace(progress_age=61), None),
        (WELL._replace(progress_age=61, lag=1), "no progress while there is lag"),
        (WELL._replace(progress_age=60, lag=1), None),
        (WELL._replace(progress_age=61, lag=None), None),
        (WELL._replace(progress_age=61, lag=1, paused="bad"), None),
        (WELL._replace(loop_age=61, paused="bad"), "the loop stands still"),
    ],
)
def test_a_consumer_is_stuck_when_it_makes_no_progress_though_it_could(
    state: Snapshot, reason: str | None
) -> None:
    assert stuck(state, 60.0, waiting=False) == reason


def test_a_consumer_that_waits_for_a_backend_is_not_stuck_unless_its_loop_is() -> None:
    waiting = WELL._replace(progress_age=999, lag=1, fetch_age=999)
    assert stuck(waiting, 60.0, waiting=True) is None
    assert stuck(waiting._replace(loop_age=61), 60.0, waiting=True) == "the loop stands still"


def test_what_is_reached_is_told_to_the_observer_too() -> None:
    told = Told()
    progress = ConsumerProgress(told, Clock())
    progress.measured({0: 3})
    progress.skipped(12)
    progress.paused(ConsumptionPausedError("too many", {"empty": 7}))
    assert told.seen == [{0: 3}, "fetched", 12, {"empty": 7}]


def test_the_watchdog_ends_a_stuck_process_with_its_exit_code() -> None:
    clock, told = Clock(), Told()
    progress = ConsumerProgress(told, clock)
    ended: list[int] = []
    watchdog = Watchdog(progress, 60.0, lambda: False, end=ended.append)
    watchdog.look()
    assert ended == []
    clock.now += 61
    watchdog.look()
    assert ended == [EXIT_CODE]
    assert told.seen == ["stalled"]
