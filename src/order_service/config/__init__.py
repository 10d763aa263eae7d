"""The configuration: config.yml, `.env` and the environment in, one frozen Config out."""

from .errors import ConfigError, Fault
from .explanation import Explanation, explain, hints
from .loading import Examination, examine_config, load_config
from .model import (
    Config,
    HttpSettings,
    KafkaSettings,
    PostgresSettings,
    RedisSettings,
    RetrySettings,
    TracingSettings,
)
from .report import flat, redacted
from .schema import Schema
from .secret import Secret, SecretUrl
from .section import Contradiction, Section, ignored

__all__ = [
    "Config",
    "ConfigError",
    "Contradiction",
    "Examination",
    "Explanation",
    "Fault",
    "HttpSettings",
    "KafkaSettings",
    "PostgresSettings",
    "RedisSettings",
    "RetrySettings",
    "Schema",
    "Secret",
    "SecretUrl",
    "Section",
    "TracingSettings",
    "examine_config",
    "explain",
    "flat",
    "hints",
    "ignored",
    "load_config",
    "redacted",
]
