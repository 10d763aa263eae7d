"""Looks at everything that the configured service needs; nothing of it is started here."""

import functools
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from dotenv import dotenv_values
from msgspec import structs
from redis.connection import parse_url

from order_service.config import Config
from order_service.context import Contexts, Topic
from order_service.context.backends import (
    connect_redis,
    migrating_login,
    primary_server,
    replica_server,
    service_login,
)
from order_service.context.brokers import kafka_connection
from order_service.embedded.stack_env import FILE_NAME
from order_service.infra.addresses import Address, parse_addresses
from order_service.infra.diagnosis import host, kafka, postgres, redis
from order_service.infra.diagnosis.finding import Finding, Look, hint, look_at_all
from order_service.infra.kafka.topic import merged
from order_service.infra.postgres.conninfo import DatabaseServer
from order_service.infra.postgres.migrations import find_migrations
from order_service.infra.resources import bundled

_CONNECT_TIMEOUT = 3.0
_REDIS_TIMEOUT = 1.0
"""Seconds: a cache that is too slow for the service shall still be looked at."""


class ConfigSource(NamedTuple):
    """The configuration, and the stack.env that completed it, if one did."""

    config: Config
    stack: Path | None


def find_source(contexts: Contexts, data_dir: Path, *, stack: bool | None) -> ConfigSource:
    """Return the configuration, completed by the stack that runs here.

    Args:
        contexts: What can be configured.
        data_dir: Where `order-service run` keeps stack.env.
        stack: Whether to read it; None reads it if the configuration names no backend.

    Raises:
        ConfigError: The configuration has faults.
        FileNotFoundError: `stack` is true and there is no stack.env.
    """
    config = contexts.load_config()
    names_none = len(config.missing("postgres", "redis", "kafka")) == 3  # noqa: PLR2004 - all
    file = data_dir / FILE_NAME
    if stack is False or (stack is None and not (names_none and file.is_file())):
        return ConfigSource(config, None)
    if not file.is_file():
        raise FileNotFoundError(f"{file} does not exist: no `order-service run` runs there")
    told = {name: text for name, text in dotenv_values(file, interpolate=False).items() if text}
    return ConfigSource(contexts.load_config(environ={**told, **os.environ}), file)


class Needs(NamedTuple):
    """What the contexts need of the servers.

    Attributes:
        rights: What the service's role must be allowed to do in Postgres, by table.
        migrations: Ids of the migrations that must be applied.
        checks: What else is to be asked of Postgres.
        topics: What is read and written in Kafka.
        prefixes: What the names of keys in Redis begin with.
        workers: The processes beside the API.
    """

    rights: postgres.Rights
    migrations: frozenset[str]
    checks: Sequence[postgres.Check]
    topics: Sequence[Topic]
    prefixes: Sequence[str]
    workers: Sequence[str]


def needs_of(contexts: Contexts, config: Config) -> Needs:
    """Return what the contexts that are on need."""
    enabled = contexts.enabled(config)
    return Needs(
        rights={table: rights for each in enabled for table, rights in each.rights.items()},
        migrations=frozenset(
            find_migrations(bundled("migrations"), [each.name for each in enabled])
        ),
        checks=[functools.partial(each.checks, config) for each in enabled],
        topics=merged(topic for each in enabled for topic in each.topics(config)),
        prefixes=[prefix for each in enabled for prefix in each.cache_prefixes],
        workers=[worker.name for worker in contexts.workers(config)],
    )


def diagnose(
    config: Config, needs: Needs, data_dir: Path, timeout: float
) -> dict[str, list[Finding]]:
    """Return what was found about each part; blocks for `timeout` seconds at most, or so."""
    looks: dict[str, Look] = {"postgres": _unnamed(config, "postgres") or _postgres(config, needs)}
    if config.postgres.read_host:
        looks["replica"] = _replica(config)
    looks["redis"] = _unnamed(config, "redis") or _redis(config, needs)
    looks["kafka"] = _unnamed(config, "kafka") or _kafka(config, needs, timeout)
    looks["this machine"] = functools.partial(_machine, config, needs, data_dir)
    return look_at_all(looks, timeout)


def _unnamed(config: Config, part: str) -> Look | None:
    """Return a look that says that the part has no address, None if it has one."""
    keys = config.missing(part)
    if not keys:
        return None
    said = hint("address", "none is set: `order-service run` starts its own", f"set {keys[0]}")
    return lambda: [said]


def _postgres(config: Config, needs: Needs) -> Look:
    demands = postgres.Demands(
        rights=needs.rights,
        migrations=needs.migrations,
        migrating=migrating_login(config.postgres),
        checks=needs.checks,
        pool=config.http.threads,
    )
    target = _target(config, primary_server(config.postgres), "postgres.host")
    return functools.partial(postgres.look, target, demands)


def _replica(config: Config) -> Look:
    target = _target(config, replica_server(config.postgres), "postgres.read_host")
    return functools.partial(postgres.look_at_replica, target, config.postgres.read_max_lag)


def _target(config: Config, server: DatabaseServer, key: str) -> postgres.PostgresTarget:
    server = server._replace(connect_timeout=_CONNECT_TIMEOUT)
    return postgres.PostgresTarget(server, service_login(config.postgres), key)


def _redis(config: Config, needs: Needs) -> Look:
    named = config.redis
    patient = structs.replace(named, timeout=max(named.timeout, _REDIS_TIMEOUT))
    key, addresses = _redis_addresses(config)
    target = redis.RedisTarget(
        addresses=addresses,
        key=key,
        client=connect_redis(patient),
        prefixes=needs.prefixes,
        limit=named.timeout,
        timeout=_CONNECT_TIMEOUT,
    )
    return functools.partial(redis.look, target)


def _redis_addresses(config: Config) -> tuple[str, list[Address]]:
    named = config.redis
    if named.sentinels:
        return "redis.sentinels", parse_addresses(named.sentinels, 26379)
    if named.cluster_nodes:
        return "redis.cluster_nodes", parse_addresses(named.cluster_nodes, 6379)
    parts = dict(parse_url(named.url.reveal()))  # type: ignore[no-untyped-call]
    if "path" in parts:
        return "redis.url", []
    return "redis.url", [(str(parts.get("host", "localhost")), int(parts.get("port", 6379)))]


def _kafka(config: Config, needs: Needs, timeout: float) -> Look:
    target = kafka.KafkaTarget(
        addresses=parse_addresses(config.kafka.bootstrap_servers, 9092),
        connection=kafka_connection(config.kafka)._replace(bootstrap_timeout=timeout * 0.6),
        topics=needs.topics,
        creates=config.kafka.create_topics,
        timeout=_CONNECT_TIMEOUT,
    )
    return functools.partial(kafka.look, target)


def _machine(config: Config, needs: Needs, data_dir: Path) -> Iterable[Finding]:
    http, first = config.http, config.metrics.worker_port
    yield from host.look_at_port(host.Listener("API", http.host, http.port, "http.port"))
    for place, worker in enumerate(needs.workers):
        port = first and first + place
        listener = host.Listener(worker, http.host, port, "metrics.worker_port")
        yield from host.look_at_port(listener)
    yield from host.look_at_clock()
    yield from host.look_at_disk(data_dir)


def healthy(found: Mapping[str, Iterable[Finding]]) -> bool:
    """Return whether nothing that was found keeps the service from working."""
    return not any(each.level == "fault" for part in found.values() for each in part)
