"""The configuration: config.yml, `.env` and the environment in, one frozen Config out."""

from order_service.config.errors import ConfigError, Fault
from order_service.config.explanation import Explanation, explain, hints
from order_service.config.loading import Examination, examine_config, load_config
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
from order_service.config.report import flat, redacted
from order_service.config.secret import Secret, SecretUrl

__all__ = [
    "Batch",
    "Cache",
    "Config",
    "ConfigError",
    "Examination",
    "Explanation",
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
    "examine_config",
    "explain",
    "flat",
    "hints",
    "load_config",
    "redacted",
]
