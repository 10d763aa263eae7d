"""Kafka's clients from the configuration.

Apart from the other backends because the library takes a moment to load, and lookups need none.
"""

from kafka import KafkaProducer

from order_service.config import Config
from order_service.infra.kafka import clients as kafka_clients

_BROKER_DEFAULT_BYTES = 1024 * 1024
"""Largest message that a topic admits unless it says otherwise."""

_ENVELOPE_BYTES = 64 * 1024
"""Room for headers around the largest dead letter."""

_MAX_REQUEST_BYTES = 100 * 1024 * 1024
"""Longest request that brokers accept; how large a record may be is for the topic to say."""


def kafka_connection(config: Config) -> kafka_clients.Connection:
    """Return how to reach the brokers."""
    settings = config.kafka
    version = tuple(int(part) for part in settings.api_version.split(".") if part)
    return kafka_clients.Connection(
        settings.bootstrap_servers,
        api_version=version or None,
        security=_kafka_security(config),
    )


def letter_limit(config: Config) -> int:
    """Return the bytes that the dead-letter topic must admit.

    Messages that are larger than we accept become letters, too: up to the size that the
    topic of the orders admits by default.
    """
    return max(config.kafka.max_message_bytes, _BROKER_DEFAULT_BYTES) + _ENVELOPE_BYTES


def open_letter_producer(config: Config) -> KafkaProducer:
    """Return a producer of dead letters and replays; see :func:`kafka_clients.open_producer`."""
    return kafka_clients.open_producer(kafka_connection(config), _MAX_REQUEST_BYTES)


def _kafka_security(config: Config) -> dict[str, object]:
    """Return the TLS and SASL settings that are set, by kafka-python's names."""
    settings = config.kafka
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
