"""The embedded brokers, met by the client library of the service."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaConnectionError, UnknownBrokerIdError

from order_service.embedded.apache_kafka import ApacheKafka, class_archive
from order_service.embedded.mock_kafka import MockKafka
from order_service.embedded.processes import EmbeddedServerError
from order_service.embedded.server import KafkaServer
from tests.servers import started

Make = Callable[[Path], KafkaServer]
MESSAGES = [f"order {number}".encode() for number in range(50)]


def mock(folder: Path) -> KafkaServer:
    return MockKafka(folder, {"orders": 32, "orders.dead-letters": 8})


def apache(folder: Path) -> KafkaServer:
    return ApacheKafka(folder, topics={"orders": 32, "orders.dead-letters": 8})


@pytest.fixture(params=[mock, pytest.param(apache, marks=pytest.mark.apache_kafka)])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KafkaServer]:
    make: Make = request.param
    with started(make(tmp_path)) as server:
        yield server


@pytest.fixture
def trio(tmp_path: Path) -> Iterator[ApacheKafka]:
    with started(ApacheKafka(tmp_path, brokers=3, topics={"orders": 3})) as cluster:
        yield cluster
        cluster.kill()  # its good order takes seconds


def settings(server: KafkaServer) -> dict[str, Any]:
    environment = server.environment()
    version = environment.get("KAFKA_API_VERSION")
    told = {"api_version": tuple(map(int, version.split(".")))} if version else {}
    return {"bootstrap_servers": environment["KAFKA_BOOTSTRAP_SERVERS"], **told}


def produce(server: KafkaServer, topic: str, messages: list[bytes]) -> None:
    with closing(KafkaProducer(**settings(server))) as producer:
        sent = [producer.send(topic, message, key=message) for message in messages]
        for future in sent:
            future.get(timeout=30)


def consume(server: KafkaServer, topic: str, count: int) -> set[bytes]:
    """The first `count` messages of a topic as a new group sees them, fewer after a minute.

    A set, as some come twice if the group forms anew, which it does on a machine that stalls.
    """
    options = {"group_id": "readers", "auto_offset_reset": "earliest"}
    found: set[bytes] = set()
    deadline = time.monotonic() + 60
    with closing(KafkaConsumer(topic, **options, **settings(server))) as consumer:
        while len(found) < count and time.monotonic() < deadline:
            # A coordinator that was just killed may come up as an error of the poll.
            with suppress(KafkaConnectionError):
                for records in consumer.poll(timeout_ms=500).values():
                    found |= {record.value for record in records}
        consumer.commit()
    return found


def partitions(server: KafkaServer, topic: str) -> int:
    with closing(KafkaConsumer(**settings(server))) as consumer:
        return len(consumer.partitions_for_topic(topic) or ())


def test_what_is_produced_is_consumed(broker: KafkaServer) -> None:
    produce(broker, "orders", MESSAGES)
    assert consume(broker, "orders", len(MESSAGES)) == set(MESSAGES)


def test_topics_have_the_partitions_that_were_asked_for(broker: KafkaServer) -> None:
    broker.create_topic("later", 3)
    counts = {name: partitions(broker, name) for name in ("orders", "orders.dead-letters", "later")}
    assert counts == {"orders": 32, "orders.dead-letters": 8, "later": 3}


def test_a_topic_is_not_created_twice(broker: KafkaServer) -> None:
    with pytest.raises(EmbeddedServerError):
        broker.create_topic("orders", 1)


def test_a_restarted_broker_serves_at_the_same_address(broker: KafkaServer) -> None:
    before = broker.environment()
    broker.kill()
    broker.start()
    assert broker.environment() == before
    produce(broker, "orders", MESSAGES)


def test_the_mock_broker_takes_a_burst_of_orders(tmp_path: Path) -> None:
    burst = [f"{number:06d}".encode() * 250 for number in range(10_000)]
    with started(mock(tmp_path)) as server:
        produce(server, "orders", burst)
        assert consume(server, "orders", len(burst)) == set(burst)


@pytest.mark.apache_kafka
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process has mapped")
def test_a_broker_has_its_classes_from_the_archive(kafka_server: KafkaServer) -> None:
    [option] = class_archive.options()
    archive = option.partition("=")[2]
    assert archive in {each.path for each in psutil.Process(kafka_server.pid).memory_maps()}


@pytest.mark.apache_kafka
def test_a_node_that_does_not_know_yet_who_leads_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where it learns last of a member that leads the cluster."""
    create, asked = KafkaAdminClient.create_topics, 0

    def not_at_first(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - the client's
        nonlocal asked
        asked += 1
        if asked == 1:
            raise UnknownBrokerIdError(1)
        return create(*arguments, **named)

    monkeypatch.setattr(KafkaAdminClient, "create_topics", not_at_first)
    with started(ApacheKafka(tmp_path, topics={"orders": 2})) as broker:
        assert asked == 2
        produce(broker, "orders", MESSAGES)


@pytest.mark.apache_kafka
@pytest.mark.parametrize("end", [ApacheKafka.kill, ApacheKafka.stop])
def test_messages_outlive_the_broker_and_its_owner(
    tmp_path: Path, end: Callable[[ApacheKafka], None]
) -> None:
    with started(ApacheKafka(tmp_path, topics={"orders": 2})) as first:
        produce(first, "orders", MESSAGES)
        end(first)
    with started(ApacheKafka(tmp_path, topics={"orders": 2})) as second:
        assert consume(second, "orders", len(MESSAGES)) == set(MESSAGES)


@pytest.mark.apache_kafka
# kafka-python may forget the socket to a broker that dies while it is being closed.
@pytest.mark.filterwarnings("ignore:unclosed <socket.socket:ResourceWarning")
def test_three_brokers_go_on_without_one_and_take_it_back(trio: ApacheKafka) -> None:
    trio.brokers[0].kill()
    assert not trio.alive()
    produce(trio, "orders", MESSAGES)
    trio.brokers[0].start()
    trio.await_in_sync()
    trio.brokers[1].kill()
    assert consume(trio, "orders", len(MESSAGES)) == set(MESSAGES)
