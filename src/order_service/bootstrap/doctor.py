"""Looks at everything that the configured service needs; nothing of it is started here."""

import functools
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from dotenv import dotenv_values
from msgspec import structs
from psycopg.conninfo import make_conninfo
from redis.connection import parse_url

from order_service.config import Config, Secret, load_config
from order_service.contexts.orders.redis_cache import PREFIX
from order_service.embedded.stack_env import FILE_NAME
from order_service.infra.diagnosis import host, kafka, postgres, redis
from order_service.infra.diagnosis.endpoints import Address
from order_service.infra.diagnosis.finding import Finding, Look, hint, look_at_all
from order_service.infra.resources import bundled

from .backends import connect_redis, postgres_tls
from .brokers import kafka_connection, letter_limit

_STORED = ("SELECT", "INSERT", "UPDATE")
_RIGHTS = {
    "orders.orders": _STORED,
    "orders.deliveries": _STORED,
    "orders.payments": _STORED,
    "orders.items": (*_STORED, "DELETE"),
    "access.api_keys": ("SELECT",),
}
_ACTIVE_KEYS = "SELECT count(*) FROM access.api_keys WHERE revoked_at IS NULL"
_CONNECT_TIMEOUT = 3.0
_OWN_PATIENCE = 1.0
"""Seconds that whoever listens on one of our ports has to prove that it is us."""
_REDIS_PATIENCE = 1.0
"""Seconds: a cache that is too slow for the service shall still be looked at."""


class Source(NamedTuple):
    """The configuration, and the stack.env that completed it, if one did."""

    config: Config
    stack: Path | None


def find_source(data_dir: Path, *, stack: bool | None) -> Source:
    """Return the configuration, completed by the stack that runs here.

    Args:
        data_dir: Where `order-service run` keeps stack.env.
        stack: Whether to read it; None reads it if the configuration names no backend.

    Raises:
        ConfigError: The configuration has faults.
        FileNotFoundError: `stack` is true and there is no stack.env.
    """
    config = load_config()
    names_none = len(config.missing("postgres", "redis", "kafka")) == 3  # noqa: PLR2004 - all
    file = data_dir / FILE_NAME
    if stack is False or (stack is None and not (names_none and file.is_file())):
        return Source(config, None)
    if not file.is_file():
        raise FileNotFoundError(f"{file} does not exist: no `order-service run` runs there")
    told = {name: text for name, text in dotenv_values(file, interpolate=False).items() if text}
    return Source(load_config(environ={**told, **os.environ}), file)


def diagnose(config: Config, data_dir: Path, timeout: float) -> dict[str, list[Finding]]:
    """Return what was found about each part; blocks for `timeout` seconds at most, or so."""
    looks: dict[str, Look] = {"postgres": _postgres(config)}
    if config.postgres.read_host:
        looks["replica"] = _replica(config)
    looks |= {"redis": _redis(config), "kafka": _kafka(config, timeout)}
    looks["this machine"] = functools.partial(_machine, config, data_dir)
    return look_at_all(looks, timeout)


def _unnamed(config: Config, part: str) -> Look | None:
    """Return a look that says that the part has no address, None if it has one."""
    keys = config.missing(part)
    if not keys:
        return None
    said = hint("address", "none is set: `order-service run` starts its own", f"set {keys[0]}")
    return lambda: [said]


def _postgres(config: Config) -> Look:
    if unnamed := _unnamed(config, "postgres"):
        return unnamed
    named = config.postgres
    target = _database(config, named.host, named.port, "postgres.host")
    return functools.partial(postgres.look, target)


def _replica(config: Config) -> Look:
    named = config.postgres
    port = named.read_port or named.port
    target = _database(config, named.read_host, port, "postgres.read_host")
    return functools.partial(postgres.look_at_replica, target, named.read_max_lag)


def _database(config: Config, name: str, port: int, key: str) -> postgres.Target:
    named = config.postgres
    address = (name, port)
    admin = (named.admin_user, named.admin_password) if named.admin_user else None
    return postgres.Target(
        address=address,
        conninfo=_conninfo(config, address, named.user, named.password),
        admin_conninfo=_conninfo(config, address, *(admin or (named.user, named.password))),
        key=key,
        user=named.user,
        database=named.db,
        rights=_RIGHTS,
        migrations=_migrations(),
        pool=named.pool.max_size,
        timeout=_CONNECT_TIMEOUT,
        active_keys=_ACTIVE_KEYS if config.http.auth == "api_key" else "",
    )


def _conninfo(config: Config, address: Address, user: str, password: Secret) -> str:
    return make_conninfo(
        host=address[0],
        port=address[1],
        user=user,
        password=password.reveal(),
        dbname=config.postgres.db,
        connect_timeout=round(_CONNECT_TIMEOUT),
        application_name="order-service doctor",
        options="-c statement_timeout=3000 -c lock_timeout=1000",
        **postgres_tls(config),
    )


def _migrations() -> frozenset[str]:
    files = bundled("migrations").glob("*/[0-9]*")
    names = (file.name for file in files if file.suffix in {".sql", ".py"})
    return frozenset(name.split(".")[0] for name in names)


def _redis(config: Config) -> Look:
    if unnamed := _unnamed(config, "redis"):
        return unnamed
    named = config.redis
    patient = structs.replace(named, timeout=max(named.timeout, _REDIS_PATIENCE))
    key, addresses = _redis_addresses(config)
    target = redis.Target(
        addresses=addresses,
        key=key,
        client=connect_redis(structs.replace(config, redis=patient)),
        prefix=PREFIX,
        limit=named.timeout,
        timeout=_CONNECT_TIMEOUT,
    )
    return functools.partial(redis.look, target)


def _redis_addresses(config: Config) -> tuple[str, list[Address]]:
    named = config.redis
    if named.sentinels:
        return "redis.sentinels", _addresses(named.sentinels, 26379)
    if named.cluster_nodes:
        return "redis.cluster_nodes", _addresses(named.cluster_nodes, 6379)
    parts = dict(parse_url(named.url.reveal()))  # type: ignore[no-untyped-call]
    if "path" in parts:
        return "redis.url", []
    return "redis.url", [(str(parts.get("host", "localhost")), int(parts.get("port", 6379)))]


def _kafka(config: Config, timeout: float) -> Look:
    if unnamed := _unnamed(config, "kafka"):
        return unnamed
    named = config.kafka
    target = kafka.Target(
        addresses=_addresses(named.bootstrap_servers, 9092),
        connection=kafka_connection(config)._replace(bootstrap_timeout=timeout * 0.6),
        topic=named.topic,
        dead_letter_topic=named.dead_letter_topic,
        group=named.group_id,
        letter_bytes=letter_limit(config),
        creates=named.create_topics,
        rights={named.topic: ("Read",), named.dead_letter_topic: ("Write",)},
        timeout=_CONNECT_TIMEOUT,
    )
    return functools.partial(kafka.look, target)


def _addresses(text: str, port: int) -> list[Address]:
    """Return host and port of each part of ``host[:port],host[:port]``."""
    return [_address(part.strip(), port) for part in text.split(",") if part.strip()]


def _address(text: str, port: int) -> Address:
    host_, colon, number = text.rpartition(":")
    if colon and number.isdigit() and not host_.endswith(":"):
        return host_.strip("[]"), int(number)
    return text.strip("[]"), port


def _machine(config: Config, data_dir: Path) -> Iterable[Finding]:
    http, metrics = config.http, config.metrics
    api = host.Listener("API", http.host, http.port, "http.port")
    yield from host.look_at_port(api, _OWN_PATIENCE)
    consumer = host.Listener(
        "consumer", metrics.consumer_host, metrics.consumer_port, "metrics.consumer_port"
    )
    yield from host.look_at_port(consumer, _OWN_PATIENCE)
    yield from host.look_at_clock(time.time())
    yield from host.look_at_disk(data_dir)


def healthy(found: Mapping[str, Iterable[Finding]]) -> bool:
    """Return whether nothing that was found keeps the service from working."""
    return not any(each.level == "fault" for part in found.values() for each in part)
