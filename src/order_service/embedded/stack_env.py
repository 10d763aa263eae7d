"""The addresses of a running stack: for its children, and as `stack.env` for everyone else.

The names are those of the configuration, so that any command of the service, and the producer,
finds the stack when it is given these variables.
"""

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from order_service.config import Config

FILE_NAME = "stack.env"
_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./?&~-]*")


def configured_addresses(config: Config) -> dict[str, str]:
    """Return the variables of all parts that the configuration names; secrets in clear text."""
    values = {
        "HTTP_HOST": config.http.host,
        "HTTP_PORT": str(config.http.port),
        "KAFKA_BOOTSTRAP_SERVERS": config.kafka.bootstrap_servers,
        "KAFKA_API_VERSION": config.kafka.api_version,
        "REDIS_URL": config.redis.url.reveal(),
        "REDIS_SENTINELS": config.redis.sentinels,
        "REDIS_SENTINEL_MASTER": config.redis.sentinel_master,
        "REDIS_CLUSTER_NODES": config.redis.cluster_nodes,
    }
    if config.postgres.host:
        values |= _postgres(config)
    return {name: value for name, value in values.items() if value}


def _postgres(config: Config) -> dict[str, str]:
    postgres = config.postgres
    return {
        "POSTGRES_HOST": postgres.host,
        "POSTGRES_PORT": str(postgres.port),
        "POSTGRES_DB": postgres.db,
        "POSTGRES_USER": postgres.user,
        "POSTGRES_PASSWORD": postgres.password.reveal(),
        "POSTGRES_ADMIN_USER": postgres.admin_user,
        "POSTGRES_ADMIN_PASSWORD": postgres.admin_password.reveal(),
    }


def write_stack_env(path: Path, values: Mapping[str, str]) -> None:
    """Replace the file in one step, readable by its owner alone: it holds passwords."""
    lines = [f"{name}={_quoted(value)}\n" for name, value in sorted(values.items())]
    # mkstemp makes the file with mode 0600.
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(lines)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _quoted(value: str) -> str:
    """Return the value as `.env` readers take it; plain ones bare, so that anything reads them."""
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
