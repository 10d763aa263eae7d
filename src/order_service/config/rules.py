"""What must hold between settings, beyond the range of each."""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from ipaddress import ip_network

from order_service.config.model import Config, Http, Kafka, Redis, Retry

# RFC 6454: scheme and host in small letters, and the port if it is not the usual one.
_is_origin = re.compile(r"https?://[a-z0-9.\-\[\]:]+\Z").match


def contradictions(config: Config) -> Iterator[tuple[str, str]]:
    """Yield the path of each setting that contradicts another one, and the reason."""
    pool = config.postgres.pool
    if config.postgres.read_host and not config.postgres.host:
        yield "postgres.read_host", "is set without postgres.host, the primary"
    if pool.min_size > pool.max_size:
        yield "postgres.pool.min_size", f"is more than postgres.pool.max_size ({pool.max_size})"
    yield from _of_http(config.http)
    yield from _of_retry("postgres.retry", config.postgres.retry)
    yield from _of_retry("kafka.retry", config.kafka.retry)
    yield from _of_limits(config.kafka)
    yield from _of_login(config.kafka)
    yield from _of_redis(config.redis)
    yield from _of_certificates(config)
    if config.tracing.endpoint and not _has_opentelemetry():
        yield "tracing.endpoint", "needs OpenTelemetry: pip install 'order-service[tracing]'"


def _of_http(http: Http) -> Iterator[tuple[str, str]]:
    for origin in http.origins:
        if origin != "*" and not _is_origin(origin):
            yield "http.cors_origins", f"{origin!r} is no origin such as https://shop.example"
    for proxy in http.proxies:
        try:
            ip_network(proxy)
        except ValueError as error:
            yield "http.trusted_proxies", str(error)


def _of_retry(path: str, retry: Retry) -> Iterator[tuple[str, str]]:
    if retry.base_delay > retry.max_delay:
        yield f"{path}.base_delay", f"is more than {path}.max_delay ({retry.max_delay})"


def _of_limits(kafka: Kafka) -> Iterator[tuple[str, str]]:
    if kafka.batch.max_bytes < kafka.max_message_bytes:
        yield (
            "kafka.batch.max_bytes",
            f"is less than kafka.max_message_bytes ({kafka.max_message_bytes})",
        )
    if kafka.session_timeout > kafka.max_poll_interval:
        yield (
            "kafka.session_timeout",
            f"is more than kafka.max_poll_interval ({kafka.max_poll_interval})",
        )
    if kafka.dead_letter_topic == kafka.topic:
        yield "kafka.dead_letter_topic", "is the topic of the orders themselves (kafka.topic)"


def _of_login(kafka: Kafka) -> Iterator[tuple[str, str]]:
    sasl = kafka.security_protocol.startswith("SASL_")
    if sasl and not kafka.sasl.mechanism:
        yield "kafka.sasl.mechanism", f"is needed for {kafka.security_protocol}"
    if sasl and not kafka.sasl.username:
        yield "kafka.sasl.username", f"is needed for {kafka.security_protocol}"


def _of_redis(redis: Redis) -> Iterator[tuple[str, str]]:
    if redis.sentinels and redis.cluster_nodes:
        yield "redis.cluster_nodes", "is set beside redis.sentinels: it is one or the other"
    if redis.sentinels and not redis.sentinel_master:
        yield "redis.sentinel_master", "is needed to ask redis.sentinels for it"
    if (redis.sentinels or redis.cluster_nodes) and redis.url.reveal().startswith("unix://"):
        yield "redis.url", "is a socket: sentinels and cluster nodes are reached over TCP"
    files = {"ssl_cafile": redis.ssl_cafile, "ssl_certfile": redis.ssl_certfile}
    for key, path in files.items():
        if path and not redis.url.reveal().startswith("rediss://"):
            yield f"redis.{key}", "has no effect unless redis.url begins with rediss://"


def _of_certificates(config: Config) -> Iterator[tuple[str, str]]:
    redis, kafka, postgres = config.redis, config.kafka, config.postgres
    pairs = (
        ("kafka.ssl_certfile", kafka.ssl_certfile, "kafka.ssl_keyfile", kafka.ssl_keyfile),
        ("redis.ssl_certfile", redis.ssl_certfile, "redis.ssl_keyfile", redis.ssl_keyfile),
        ("postgres.sslcert", postgres.sslcert, "postgres.sslkey", postgres.sslkey),
    )
    for certificate, has_certificate, key, has_key in pairs:
        if bool(has_certificate) != bool(has_key):
            absent = key if has_certificate else certificate
            yield absent, "is needed: a certificate and its key go together"


def _has_opentelemetry() -> bool:
    """Whether the packages of the extra `tracing` are installed; does not import them."""
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:  # of a package above it
        return False
