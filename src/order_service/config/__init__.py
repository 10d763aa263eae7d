"""The configuration: config.yml, `.env` and the environment in, one frozen Config out."""

from order_service.config.errors import ConfigError, Fault
from order_service.config.loading import load_config
from order_service.config.model import (
    Batch,
    Cache,
    Config,
    Http,
    Kafka,
    Log,
    Metrics,
    Pool,
    Postgres,
    Redis,
    RejectionLimit,
    Retry,
    Sasl,
)
from order_service.config.report import redacted
from order_service.config.secret import Secret, SecretUrl

__all__ = [
    "Batch",
    "Cache",
    "Config",
    "ConfigError",
    "Fault",
    "Http",
    "Kafka",
    "Log",
    "Metrics",
    "Pool",
    "Postgres",
    "Redis",
    "RejectionLimit",
    "Retry",
    "Sasl",
    "Secret",
    "SecretUrl",
    "load_config",
    "redacted",
]
