"""The dead letters for the command line: a log to search, and replays."""

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

from order_service.config import Config
from order_service.contexts.orders.dead_letter_outlet import KafkaOutlet
from order_service.contexts.orders.dead_letter_replay import Replay
from order_service.contexts.orders.dead_letter_search import DeadLetterLog
from order_service.infra.kafka import clients as kafka_clients
from order_service.infra.kafka.producer import AcknowledgedProducer
from order_service.infra.kafka.reader import TopicReader

from .brokers import kafka_connection, open_letter_producer


class DeadLetterDesk(NamedTuple):
    """What a person needs to work on dead letters."""

    log: DeadLetterLog
    replay: Replay


@contextlib.contextmanager
def open_desk(config: Config) -> Iterator[DeadLetterDesk]:
    """Connect to Kafka for the length of the block; nothing is published before a replay.

    Raises:
        kafka.errors.KafkaError: The brokers do not answer.
    """
    settings = config.kafka
    consumer = kafka_clients.open_reader(kafka_connection(config))
    producer = AcknowledgedProducer(lambda: open_letter_producer(config))
    reader = TopicReader(consumer, settings.dead_letter_topic)
    outlet = KafkaOutlet(producer, settings.dead_letter_topic, settings.topic)
    try:
        yield DeadLetterDesk(DeadLetterLog(reader), Replay(outlet, settings.max_message_bytes))
    finally:
        producer.close()
        reader.close()
