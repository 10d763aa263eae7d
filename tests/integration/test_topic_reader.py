"""A topic that is read once says what it cannot know."""

from contextlib import closing
from pathlib import Path

import pytest
from kafka.errors import UnsupportedVersionError

from order_service.context.brokers import kafka_connection
from order_service.embedded.mock_kafka import MockKafka
from order_service.infra.kafka import clients as kafka_clients
from order_service.infra.kafka.reader import TopicReader
from tests.backends import config_of, send
from tests.servers import started


def test_brokers_that_find_nothing_by_time_do_not_pass_for_an_empty_topic(tmp_path: Path) -> None:
    server = MockKafka(tmp_path, {})
    with started(server):
        server.create_topic("some")
        connection = kafka_connection(config_of(server.environment()).kafka)
        with closing(TopicReader(kafka_clients.open_reader(connection, "group"), "some")) as reader:
            assert [each.committed for each in reader.consumed_since(0)] == [False]
            with closing(kafka_clients.open_producer(connection, 1024 * 1024)) as producer:
                send(producer, "some", b"one")
            with pytest.raises(UnsupportedVersionError, match="by time"):
                reader.consumed_since(0)
