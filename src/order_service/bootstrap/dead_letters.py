"""The dead letters for the command line: a topic to search, and replays."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from order_service.config import Config
from order_service.context import Contexts
from order_service.context.brokers import kafka_connection, make_producer
from order_service.infra.kafka import clients as kafka_clients
from order_service.infra.kafka.reader import TopicReader
from order_service.messaging.dead_letters import DeadLetterTopic
from order_service.messaging.dead_letters.outlet import KafkaOutlet
from order_service.messaging.dead_letters.replay import Replay
from order_service.messaging.dead_letters.search import DeadLetterLog


class DeadLetterAccess(NamedTuple):
    """What a person needs to work on the dead letters of one topic."""

    topic: DeadLetterTopic
    log: DeadLetterLog
    replay: Replay


def topics_of(contexts: Contexts, config: Config) -> Mapping[str, DeadLetterTopic]:
    """Return the dead-letter topics by the names of their contexts."""
    return {
        context.name: context.dead_letters(config)
        for context in contexts.enabled(config)
        if context.dead_letters
    }


@contextlib.contextmanager
def open_dead_letters(config: Config, topic: DeadLetterTopic) -> Iterator[DeadLetterAccess]:
    """Connect to Kafka for the length of the block; nothing is published before a replay.

    Raises:
        kafka.errors.KafkaError: The brokers do not answer.
    """
    consumer = kafka_clients.open_reader(kafka_connection(config.kafka))
    producer = make_producer(config)
    reader = TopicReader(consumer, topic.name)
    outlet = KafkaOutlet(producer, topic.name, topic.source)
    try:
        yield DeadLetterAccess(topic, DeadLetterLog(reader, topic.mentions), Replay(outlet, topic))
    finally:
        producer.close()
        reader.close()
