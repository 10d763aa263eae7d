"""The consumer loop on a real broker: nothing is committed before it is stored, nothing skipped."""

import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaProducer, TopicPartition

from order_service.context.brokers import kafka_connection as connection_of
from order_service.embedded.mock_kafka import MockKafka
from order_service.infra.kafka import clients as kafka_clients
from order_service.infra.kafka.clients import Connection
from tests.backends import NewTopic, config_of
from tests.integration.consumer_bench import WAIT_S, Batch, Bench, Handler
from tests.servers import started
from tests.waiting import eventually

# What the mock broker knows nothing of: topic ids, deleting records, more than one member, and
# commits that keep up with the loop.
real_broker = pytest.mark.apache_kafka


@pytest.fixture
def bench(kafka_connection: Connection, producer: KafkaProducer, new_topic: NewTopic) -> Bench:
    return Bench(kafka_connection, producer, new_topic())


def numbered(count: int, first: int = 0) -> Batch:
    return [b"%06d" % number for number in range(first, first + count)]


def test_all_is_stored_in_order_and_committed_behind_the_last(bench: Bench) -> None:
    values = numbered(50)
    bench.produce(*values)
    handler = Handler()
    with bench.running(handler):
        assert handler.idle_again.wait(WAIT_S)
    assert handler.values == values
    assert bench.committed() == 50
    assert bench.told.gaps == []
    assert bench.told.stages == {"decode", "store", "commit"}


@real_broker
def test_messages_that_keep_coming_are_gathered(bench: Bench) -> None:
    handler = Handler()
    bench.produce(*numbered(1))
    with bench.running(handler, linger=1.0):
        eventually(lambda: len(handler.values) == 1, WAIT_S, "the first message is stored")
        for value in numbered(20, 1):
            bench.produce(value)
        eventually(lambda: len(handler.values) == 21, WAIT_S, "the others are stored")
    assert handler.values == numbered(21)
    assert len(handler.stored) <= 7, "each came alone"


@real_broker
def test_a_loop_knows_the_identity_of_its_topic(bench: Bench) -> None:
    bench.produce(b"x")
    handler = Handler()
    with bench.running(handler):
        assert handler.idle_again.wait(WAIT_S)
    (stream,) = handler.streams
    assert stream is not None
    assert str(uuid.UUID(stream)) == stream


@real_broker
def test_nothing_is_committed_while_it_is_being_stored(bench: Bench) -> None:
    bench.produce(*numbered(10))
    seen: list[int | None] = []
    handler = Handler(lambda _: seen.append(bench.committed()))
    with bench.running(handler, max_messages=5):
        assert handler.idle_again.wait(WAIT_S)
    assert [len(batch) for batch in handler.stored] == [5, 5]
    # The first batch may be committed when the second one is stored, no earlier.
    assert seen[0] is None
    assert seen[1] in {None, 5}
    assert bench.committed() == 10


def test_a_batch_whose_store_fails_ends_the_loop_and_comes_again(bench: Bench) -> None:
    bad = numbered(5, 5)
    bench.produce(*numbered(5))
    first = Handler()
    with bench.running(first):
        assert first.idle_again.wait(WAIT_S)
    bench.produce(*bad)

    def refuse(batch: Batch) -> None:
        if batch == bad:
            raise OSError("disk on fire")

    with bench.running(Handler(refuse)) as run, pytest.raises(OSError, match="disk on fire"):
        run.ended.result(WAIT_S)
    assert bench.committed() == 5
    again = Handler()
    with bench.running(again):
        assert again.idle_again.wait(WAIT_S)
    assert again.values == bad
    assert bench.committed() == 10


# A message of a test is 6 bytes of value and 3 bytes of key.
@pytest.mark.parametrize(
    ("options", "most"), [({"max_messages": 7}, 7), ({"max_bytes": 100}, 11)], ids=["count", "size"]
)
def test_batches_are_bounded(bench: Bench, options: dict[str, int], most: int) -> None:
    values = numbered(50)
    bench.produce(*values)
    handler = Handler()
    with bench.running(handler, **options):
        assert handler.idle_again.wait(WAIT_S)
    assert handler.values == values
    assert max(len(batch) for batch in handler.stored) == most
    assert bench.told.batches == [(len(batch), 9 * len(batch)) for batch in handler.stored]


def test_a_message_larger_than_a_batch_is_a_batch_of_its_own(bench: Bench) -> None:
    values = [b"a", b"x" * 5000, b"b"]
    bench.produce(*values)
    handler = Handler()
    with bench.running(handler, max_bytes=100):
        assert handler.idle_again.wait(WAIT_S)
    assert handler.stored == [[value] for value in values]


@real_broker
def test_messages_that_the_broker_dropped_are_told_as_a_gap(bench: Bench) -> None:
    bench.produce(*numbered(2))
    handler = Handler()
    with bench.running(handler):
        assert handler.idle_again.wait(WAIT_S)
    bench.produce(*numbered(8, 2))
    with closing(kafka_clients.open_admin(bench.connection)) as admin:
        admin.delete_records({TopicPartition(bench.topic, 0): 5})
    late = Handler()
    with bench.running(late):
        assert late.idle_again.wait(WAIT_S)
    assert late.values == numbered(5, 5)
    assert bench.told.gaps == [3]
    assert bench.committed() == 10


@pytest.fixture
def quick_bench(tmp_path: Path) -> Iterator[Bench]:
    """One on a broker that answers before anything else can happen."""
    with started(MockKafka(tmp_path, {"orders": 2})) as server:
        connection = connection_of(config_of(server.environment()).kafka)
        with closing(kafka_clients.open_producer(connection, 1_000_000)) as producer:
            yield Bench(connection, producer, "orders")


def test_a_lone_member_joins_its_group_once(
    quick_bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "kafka.coordinator")
    quick_bench.produce(*numbered(5))
    handler = Handler()
    with quick_bench.running(handler):
        assert handler.idle_again.wait(WAIT_S)
        told = len(quick_bench.told.lags)
        eventually(lambda: len(quick_bench.told.lags) > told + 5, WAIT_S, "it goes on")
    joins = [each for each in caplog.messages if each.startswith("Successfully joined group")]
    assert len(joins) == 1, joins


def test_stopping_finishes_and_commits_the_batch_that_is_being_stored(bench: Bench) -> None:
    bench.produce(*numbered(5))
    storing, go_on = threading.Event(), threading.Event()

    def hold(_: Batch) -> None:
        storing.set()
        assert go_on.wait(WAIT_S)

    with bench.running(Handler(hold)) as run:
        assert storing.wait(WAIT_S)
        run.stopping.set()
        assert not run.ended.done()
        go_on.set()
        run.ended.result(WAIT_S)
    assert bench.committed() == 5


def test_stopping_abandons_a_batch_that_takes_too_long(bench: Bench) -> None:
    bench.produce(*numbered(5))
    storing, go_on = threading.Event(), threading.Event()

    def hold(_: Batch) -> None:
        storing.set()
        assert go_on.wait(WAIT_S)

    try:
        with bench.running(Handler(hold), shutdown=0.2) as run:
            assert storing.wait(WAIT_S)
            run.stopping.set()
            run.ended.result(WAIT_S)
    finally:
        go_on.set()
    assert bench.committed() is None


def test_stopping_abandons_a_batch_that_is_already_waited_for(bench: Bench) -> None:
    bench.produce(*numbered(5))
    storing, go_on = threading.Event(), threading.Event()

    def hold(_: Batch) -> None:
        storing.set()
        assert go_on.wait(WAIT_S)

    try:
        with bench.running(Handler(hold), shutdown=0.2) as run:
            assert storing.wait(WAIT_S)
            told = len(bench.told.lags)
            eventually(lambda: len(bench.told.lags) > told + 2, WAIT_S, "the loop is waiting")
            run.stopping.set()
            run.ended.result(WAIT_S / 3)
    finally:
        go_on.set()
    assert bench.committed() is None


@real_broker
def test_a_store_that_outlasts_the_poll_interval_costs_no_membership(bench: Bench) -> None:
    bench.produce(*numbered(5))
    stored = threading.Semaphore(0)

    def outlast(_: Batch) -> None:
        # As long as the group allows between two polls, and half as long again: here time
        # itself is what is tested.
        assert not threading.Event().wait(2.25)
        stored.release()

    handler = Handler(outlast)
    with bench.running(handler, max_poll_interval=1.5):
        assert handler.idle_again.wait(WAIT_S)
        assert stored.acquire(timeout=WAIT_S)
        assert bench.committed() == 5
        bench.produce(*numbered(1, 5))
        handler.idle_again.clear()
        assert stored.acquire(timeout=WAIT_S)
    assert handler.values == numbered(6)
    assert bench.committed() == 6


@real_broker
def test_two_loops_share_the_partitions_and_all_is_stored_once(
    kafka_connection: Connection, producer: KafkaProducer, new_topic: NewTopic
) -> None:
    bench = Bench(kafka_connection, producer, new_topic(2))
    first, second = Handler(), Handler()
    with bench.running(first):
        bench.produce(b"before", partition=0)
        assert first.idle_again.wait(WAIT_S)
        with bench.running(second):
            seen = bench.told.lags
            eventually(
                lambda: any(len(lag) == 1 for lag in seen[-4:]), WAIT_S, "each has one partition"
            )
            for partition in (0, 1):
                bench.produce(*numbered(20), partition=partition)
            assert second.idle_again.wait(WAIT_S)
    assert sorted(first.values + second.values) == sorted([b"before", *numbered(20) * 2])
    assert (bench.committed(0), bench.committed(1)) == (21, 20)


def test_the_lag_is_what_is_not_stored_yet(bench: Bench) -> None:
    bench.produce(*numbered(5))
    go_on, storing = threading.Event(), threading.Event()

    def hold(_: Batch) -> None:
        storing.set()
        assert go_on.wait(WAIT_S)

    handler = Handler(hold)
    with bench.running(handler):
        assert storing.wait(WAIT_S)
        eventually(lambda: {0: 5} in bench.told.lags, WAIT_S, "the lag is told")
        assert bench.progress.snapshot().lag == 5
        go_on.set()
        assert handler.idle_again.wait(WAIT_S)
        eventually(lambda: bench.told.lags[-1] == {0: 0}, WAIT_S, "nothing is left")
    assert bench.progress.snapshot().lag == 0
