"""What the tables lack of a stretch of the topic is found, and nothing else."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_service.context.topic_comparison import Difference, Lack
from order_service.contexts.orders.comparing import Comparing
from order_service.contexts.orders.differences import Differences
from order_service.contexts.orders.errors import StorageUnavailableError
from order_service.contexts.orders.ingest import prepare
from tests.builders import OTHER_STREAM, STREAM, Message, message
from tests.fakes import MemoryOrders

SENT = 1_700_000_000_000
BEFORE, AFTER = SENT - 1, SENT + 1


class Rig:
    """A comparison on orders in memory."""

    def __init__(self, differences: Differences) -> None:
        self.orders = MemoryOrders()
        self.orders.now = AFTER
        self.differences = differences

    def store(self, *batch: Message, stream: str | None = STREAM, at: int = AFTER) -> None:
        self.orders.now = at
        self.orders.save([each.record for each in prepare(batch, stream).candidates])

    def compared(self, *batches: Sequence[Message], stream: str | None = STREAM) -> Comparing:
        comparing = Comparing(self.orders, self.differences, stream)
        for batch in batches:
            comparing.take(batch)
        return comparing

    def found(
        self, *batches: Sequence[Message], stream: str | None = STREAM
    ) -> list[tuple[str, Lack, int]]:
        self.compared(*batches, stream=stream)
        return [(each.id, each.lack, each.offset) for each in self.differences.listed()]


@pytest.fixture
def rig() -> Iterator[Rig]:
    with closing(Differences()) as differences:
        yield Rig(differences)


def test_nothing_is_lacking_where_every_message_had_its_effect(rig: Rig) -> None:
    old, new, other = message(), message(offset=1, locale="ru"), message("order-2", 2)
    rig.store(old)
    rig.store(new, other)
    assert rig.found([old, new, other]) == []
    assert rig.compared([old, new, other]).tally() == (3, 0, 0, 0)


def test_an_order_that_is_not_stored_is_missing_once_with_its_last_message(rig: Rig) -> None:
    batches = [[message(offset=n, locale=f"l{n}")] for n in range(3)]
    assert rig.found(*batches) == [("order-1", Lack.MISSING, 2)]
    assert rig.found([each for (each,) in batches]) == [("order-1", Lack.MISSING, 2)]


def test_an_order_with_content_of_an_earlier_message_is_outdated(rig: Rig) -> None:
    rig.store(message())
    versions = [message(offset=n, locale=f"l{n}") for n in (4, 5)]
    assert rig.found(versions) == [("order-1", Lack.OUTDATED, 5)]


def test_a_later_message_of_the_same_partition_is_left_alone(rig: Rig) -> None:
    rig.store(message(offset=9, locale="ru"), at=BEFORE)
    assert rig.found([message(offset=8)]) == []


def test_an_order_that_came_back_to_what_is_stored_lacks_nothing(rig: Rig) -> None:
    rig.store(message())
    there, back = message(offset=1, locale="ru"), message(offset=2)
    assert rig.found([there], [back]) == []
    assert rig.found([there, back]) == []
    assert rig.found([there], [back], [message(offset=3, locale="fr")]) == [
        ("order-1", Lack.OUTDATED, 3)
    ]


@pytest.mark.parametrize(
    ("stream", "partition"), [(OTHER_STREAM, 0), (None, 0), (STREAM, 1)], ids=str
)
def test_where_offsets_do_not_compare_time_decides(
    rig: Rig, stream: str | None, partition: int
) -> None:
    rig.store(message(offset=100)._replace(partition=partition), stream=stream, at=AFTER)
    newer = message(offset=1, locale="ru")
    assert rig.found([newer]) == []
    assert rig.found([newer._replace(timestamp=-1)]) == []
    assert rig.found([newer._replace(timestamp=AFTER + 1)]) == [("order-1", Lack.OUTDATED, 1)]


def test_without_topic_ids_the_time_decides_too(rig: Rig) -> None:
    rig.store(message(offset=1, locale="ru"), stream=None, at=AFTER)
    assert rig.found([message(offset=0)], stream=None) == []
    later = message(offset=0)._replace(timestamp=AFTER + 1)
    assert rig.found([later], stream=None) == [("order-1", Lack.OUTDATED, 0)]


def test_of_two_partitions_the_message_that_was_sent_last_counts(rig: Rig) -> None:
    late = message(offset=1)._replace(timestamp=AFTER)
    early = message(offset=7, locale="ru")._replace(partition=1, timestamp=BEFORE)
    assert rig.found([late, early]) == [("order-1", Lack.MISSING, 1)]


def test_what_is_no_order_is_a_dead_letter_and_not_missing(rig: Rig) -> None:
    tally = rig.compared([Message(b"{"), Message(None), message("good", 2)]).tally()
    assert tally == (3, 2, 1, 0)


def test_an_order_that_became_a_dead_letter_is_not_missing(rig: Rig) -> None:
    rig.differences.add_letters([(0, 1, SENT), (0, 1, SENT), (0, 5, SENT)])
    first, refused = message(), message(offset=1, locale="ru")
    comparing = rig.compared([first, refused], [message("order-2", 5)._replace(timestamp=AFTER)])
    assert [(each.id, each.offset) for each in rig.differences.listed()] == [
        ("order-1", 0),
        ("order-2", 5),
    ]
    assert comparing.tally() == (3, 1, 2, 0)


def test_a_batch_that_could_not_be_compared_is_not_counted(rig: Rig) -> None:
    rig.orders.away = True
    comparing = Comparing(rig.orders, rig.differences, STREAM)
    with pytest.raises(StorageUnavailableError):
        comparing.take([message(), Message(b"{", 1)])
    assert comparing.tally() == (0, 0, 0, 0)


def test_differences_are_listed_by_place_and_no_more_than_wanted(rig: Rig) -> None:
    found = [Difference(f"u{n}", Lack.MISSING, n % 2, n, SENT) for n in range(6)]
    for each in found:
        rig.differences.put(each)
    assert [each.offset for each in rig.differences.listed()] == [0, 2, 4, 1, 3, 5]
    assert [each.offset for each in rig.differences.listed(2)] == [0, 2]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), max_size=12),
    st.integers(0, 12),
    st.integers(1, 4),
)
def test_storing_what_is_found_leaves_the_tables_as_if_nothing_had_been_lost(
    contents: list[tuple[str, str]], kept: int, size: int
) -> None:
    topic = [message(uid, n, locale=locale) for n, (uid, locale) in enumerate(contents)]
    with closing(Differences()) as differences:
        whole, failed_over = Rig(differences), Rig(differences)
        for n, each in enumerate(topic):
            whole.store(each)
            if n < kept:
                failed_over.store(each)
        batches = [topic[start : start + size] for start in range(0, len(topic), size)]
        assert whole.found(*batches) == []
        for _, _, offset in failed_over.found(*batches):
            failed_over.store(topic[offset])
        uids = list("abc")
        assert failed_over.orders.find_many(uids) == whole.orders.find_many(uids)
        assert len(list(differences.listed())) <= len({uid for uid, _ in contents[kept:]})


def put_missing(differences: Differences, count: int) -> None:
    for n in range(count):
        differences.put(Difference(f"order-{n}", Lack.MISSING, 0, n, SENT))


def deleted_files() -> int:
    """Open files of this process that have no name any more."""
    links = [each for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    return sum(str(each.readlink()).endswith(" (deleted)") for each in links)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_differences_that_memory_has_no_room_for_go_to_a_file(rig: Rig) -> None:
    before = deleted_files()
    put_missing(rig.differences, 50_000)
    assert rig.differences.count(Lack.MISSING) == 50_000
    assert deleted_files() == before + 1


def test_a_list_of_differences_that_finds_no_room_says_so() -> None:
    with (
        closing(Differences(max_pages=8)) as differences,
        pytest.raises(OSError, match="no room in TMPDIR"),
    ):
        put_missing(differences, 5000)
