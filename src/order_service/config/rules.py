"""What must hold between the settings of the machinery, beyond the range of each."""

import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from ipaddress import ip_network

from order_service.infra.addresses import is_ip_address, parse_addresses

from .model import (
    HttpSettings,
    KafkaSettings,
    PostgresSettings,
    RedisSettings,
    RetrySettings,
    SchemaRegistrySettings,
    TracingSettings,
)
from .section import Contradiction

_LAST_PORT = 65535

_is_host = re.compile(r"[^\s:]+\Z").match
# RFC 6454: scheme and host in small letters, and the port if it is not the usual one.
_is_origin = re.compile(r"https?://[a-z0-9.\-\[\]:]+\Z").match


def of_http(http: HttpSettings) -> Iterator[Contradiction]:
    """Yield list items that are nothing of the kind."""
    for origin in http.origins:
        if origin != "*" and not _is_origin(origin):
            yield "http.cors_origins", f"{origin!r} is no origin such as https://shop.example"
    for proxy in http.proxies:
        try:
            ip_network(proxy)
        except ValueError as error:
            yield "http.trusted_proxies", str(error)


def of_postgres(postgres: PostgresSettings) -> Iterator[Contradiction]:
    """Yield what a replica, a certificate and a retry need besides."""
    if postgres.read_host and not postgres.host:
        yield "postgres.read_host", "is set without postgres.host, the primary"
    hosts = {"postgres.host": postgres.host, "postgres.read_host": postgres.read_host}
    for key, text in hosts.items():
        yield from _of_hosts(key, text)
    yield from _of_retry("postgres.retry", postgres.retry)
    yield from _together({"postgres.sslcert": postgres.sslcert, "postgres.sslkey": postgres.sslkey})


def _of_hosts(key: str, text: str) -> Iterator[Contradiction]:
    for host, port in parse_addresses(text):
        if not (is_ip_address(host) or _is_host(host)):
            yield key, f"{host!r} is no host; several go as host:port,host:port"
        elif port > _LAST_PORT:
            yield key, f"{port} is no port"


def of_kafka(kafka: KafkaSettings) -> Iterator[Contradiction]:
    """Yield what a login, a certificate and a retry need besides."""
    sasl = kafka.security_protocol.startswith("SASL_")
    if sasl and not kafka.sasl.mechanism:
        yield "kafka.sasl.mechanism", f"is needed for {kafka.security_protocol}"
    if sasl and not kafka.sasl.username:
        yield "kafka.sasl.username", f"is needed for {kafka.security_protocol}"
    yield from _of_retry("kafka.retry", kafka.retry)
    yield from _together(
        {"kafka.ssl_certfile": kafka.ssl_certfile, "kafka.ssl_keyfile": kafka.ssl_keyfile}
    )


def of_redis(redis: RedisSettings) -> Iterator[Contradiction]:
    """Yield addresses that exclude each other, and certificates without TLS."""
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
    yield from _together(
        {"redis.ssl_certfile": redis.ssl_certfile, "redis.ssl_keyfile": redis.ssl_keyfile}
    )


def of_schema_registry(registry: SchemaRegistrySettings) -> Iterator[Contradiction]:
    """Yield a registry that nothing could ask."""
    if registry.url and not all(map(_is_installed, ("authlib", "httpx2", "google.type"))):
        yield "schema_registry.url", "needs its client: pip install 'order-service[registry]'"


def of_tracing(tracing: TracingSettings) -> Iterator[Contradiction]:
    """Yield traces that nothing could send."""
    if tracing.endpoint and not _is_installed("opentelemetry.exporter.otlp.proto.http"):
        yield "tracing.endpoint", "needs OpenTelemetry: pip install 'order-service[tracing]'"


def _of_retry(path: str, retry: RetrySettings) -> Iterator[Contradiction]:
    if retry.base_delay > retry.max_delay:
        yield f"{path}.base_delay", f"is more than {path}.max_delay ({retry.max_delay})"


def _together(certificate_and_key: Mapping[str, str]) -> Iterator[Contradiction]:
    absent = [path for path, file in certificate_and_key.items() if not file]
    if len(absent) == 1:
        yield absent[0], "is needed: a certificate and its key go together"


def _is_installed(module: str) -> bool:
    """Whether a package of an extra is installed; does not import it."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a package above it
        return False
