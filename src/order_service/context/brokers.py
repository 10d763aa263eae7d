"""How to reach Kafka, from the configuration.

Apart from the other backends because the library takes a moment to load, and lookups need none.
"""

from collections.abc import Sequence

from kafka import KafkaProducer

from order_service.config import Config, KafkaSettings
from order_service.infra.kafka import clients
from order_service.infra.kafka.producer import AcknowledgedProducer
from order_service.infra.kafka.topic import Topic
from order_service.infra.kafka.topics import ensure_topics
from order_service.infra.tracing.sending import TracedProducer

_MAX_REQUEST_BYTES = 100 * 1024 * 1024
"""Longest request that brokers accept; how large a record may be is for the topic to say."""


def kafka_connection(settings: KafkaSettings) -> clients.Connection:
    """Return how to reach the brokers."""
    version = tuple(int(part) for part in settings.api_version.split(".") if part)
    return clients.Connection(
        settings.bootstrap_servers, api_version=version or None, security=_security(settings)
    )


def open_producer(settings: KafkaSettings) -> KafkaProducer:
    """Return a producer; see :func:`clients.open_producer`."""
    return clients.open_producer(kafka_connection(settings), _MAX_REQUEST_BYTES)


def make_producer(config: Config) -> AcknowledgedProducer:
    """Return what publishes with acknowledgements, traced if traces are on; connects on use."""
    kind = TracedProducer if config.tracing.endpoint else AcknowledgedProducer
    return kind(lambda: open_producer(config.kafka))


def create_topics(settings: KafkaSettings, topics: Sequence[Topic]) -> None:
    """Create those of `topics` that do not exist.

    Raises:
        kafka.errors.KafkaError: The brokers cannot be asked or refuse.
    """
    admin = clients.open_admin(kafka_connection(settings))
    try:
        ensure_topics(admin, {topic.name: _options(settings, topic) for topic in topics})
    finally:
        admin.close()


def _options(settings: KafkaSettings, topic: Topic) -> dict[str, object]:
    limits = {"max.message.bytes": str(topic.max_bytes)} if topic.max_bytes else {}
    return {
        "num_partitions": settings.partitions,
        "replication_factor": settings.replication_factor,
        "configs": limits,
    }


def _security(settings: KafkaSettings) -> dict[str, object]:
    """Return the TLS and SASL settings that are set, by kafka-python's names."""
    values = {
        "security_protocol": settings.security_protocol,
        "ssl_cafile": settings.ssl_cafile,
        "ssl_certfile": settings.ssl_certfile,
        "ssl_keyfile": settings.ssl_keyfile,
        "sasl_mechanism": settings.sasl.mechanism,
        "sasl_plain_username": settings.sasl.username,
        "sasl_plain_password": settings.sasl.password.reveal(),
    }
    return {name: value for name, value in values.items() if value}
