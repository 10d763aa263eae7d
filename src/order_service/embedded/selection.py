"""Which servers a stack starts: those that the configuration does not name.

What is not started is not imported: a client of Kafka alone takes a fifth of a second.
"""

from collections.abc import Mapping
from pathlib import Path

from order_service.config import Config
from order_service.embedded.plan import Servers
from order_service.embedded.server import Server

_MOCK_PARTITIONS = 16


def make_servers(
    config: Config, topics: Mapping[str, int], data_dir: Path, *, apache_kafka: bool
) -> Servers:
    """Return the servers, none of them started.

    Args:
        config: What it names is not started.
        topics: Name to number of partitions, for the broker.
        data_dir: Where they keep their data.
        apache_kafka: Take a durable broker rather than the one in memory.
    """
    missing = config.missing("postgres", "redis", "kafka")
    kafka = _apache_kafka if apache_kafka else _mock_kafka
    return Servers(
        postgres=_postgres(config, data_dir) if "postgres.host" in missing else None,
        redis=_valkey(data_dir) if "redis.url" in missing else None,
        kafka=kafka(topics, data_dir) if "kafka.bootstrap_servers" in missing else None,
        kafka_forgets=not apache_kafka,
    )


def _postgres(config: Config, data_dir: Path) -> Server:
    from order_service.embedded.postgres import PostgresServer  # noqa: PLC0415

    named = config.postgres
    return PostgresServer(
        data_dir / "postgres",
        password=named.admin_password.reveal() or None,
        database=named.db,
        service_user=named.user,
        service_password=named.password.reveal() or None,
    )


def _valkey(data_dir: Path) -> Server:
    from order_service.embedded.valkey import ValkeyServer  # noqa: PLC0415

    return ValkeyServer(data_dir / "valkey", closed=True)


def _apache_kafka(topics: Mapping[str, int], data_dir: Path) -> Server:
    from order_service.embedded.apache_kafka import ApacheKafka  # noqa: PLC0415

    return ApacheKafka(data_dir / "kafka", topics=topics)


def _mock_kafka(topics: Mapping[str, int], data_dir: Path) -> Server:
    from order_service.embedded.mock_kafka import MockKafka  # noqa: PLC0415

    # Its cap is one of each partition: more of them keep a longer backlog from being dropped.
    enough = {topic: max(count, _MOCK_PARTITIONS) for topic, count in topics.items()}
    return MockKafka(data_dir / "kafka", enough)
