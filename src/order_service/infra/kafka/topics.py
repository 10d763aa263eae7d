"""Creation of missing topics."""

import contextlib
from collections.abc import Mapping
from typing import Any

import structlog
from kafka.admin import KafkaAdminClient
from kafka.errors import TopicAlreadyExistsError

_log = structlog.get_logger(__name__)


def ensure_topics(admin: KafkaAdminClient, topics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Create those of `topics` that do not exist; return their names.

    Args:
        admin: An open admin client.
        topics: Name to ``num_partitions``, ``replication_factor`` and ``configs``.

    Raises:
        kafka.errors.KafkaError: The brokers cannot be asked or refuse.
    """
    existing = set(admin.list_topics())
    missing = {name: options for name, options in topics.items() if name not in existing}
    if missing:
        # Another consumer that starts at the same time may be faster.
        with contextlib.suppress(TopicAlreadyExistsError):
            admin.create_topics(missing, wait_for_metadata=True)
        _log.info("topics created", topics=sorted(missing))
    return sorted(missing)
