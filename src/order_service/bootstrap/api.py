"""The API process: lookups over HTTP, the cache warmed up in the background."""

import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Iterable
from contextlib import closing
from ipaddress import ip_address
from typing import Any

import structlog

from order_service.config import Config, load_config
from order_service.contexts.access.keyring import Keyring
from order_service.contexts.access.postgres import PostgresKeys
from order_service.contexts.orders.api import ListLimits
from order_service.contexts.orders.errors import OrdersError
from order_service.contexts.orders.lookup import Lookup, WarmUp
from order_service.contexts.orders.model import Document
from order_service.http.app import ApiServices, create_wsgi
from order_service.http.front import Front
from order_service.http.guard import Environ, Limits
from order_service.http.health import Readiness
from order_service.http.server import ServerSettings, serve
from order_service.infra.local_cache import LocalCache
from order_service.infra.logging import configure_logging
from order_service.infra.memory import share_one_arena
from order_service.infra.redis.client import CacheClient
from order_service.infra.resources import bundled
from order_service.infra.tracing.spans import Tracer
from order_service.metrics import Metrics

from .backends import connect_redis, make_cache
from .checks import CallCheck
from .keys import open_keys_database
from .storage import Storage, open_storage
from .tracing import open_tracer

_log = structlog.get_logger(__name__)

_WARM_UP_RETRY = 2.0
"""Seconds between two tries of a warm-up that found the database away."""

_THREAD_GRACE = 2.0
"""Seconds that a thread in the background gets to end before its connections are closed."""


class Worker:
    """The WSGI application of one worker process, and all that it holds open.

    Make it after any fork. `close` it to end its threads and connections.
    """

    def __init__(self, config: Config) -> None:
        self._resources = contextlib.ExitStack()
        services = make_services(config, self._resources)
        self._app = create_wsgi(services)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - as WSGI has it
        """Handle one request."""
        return self._app(environ, start_response)

    def close(self) -> None:
        """Stop what runs in the background and close all connections; blocks for seconds at most.

        A call after the first does nothing.
        """
        self._resources.close()


def make_services(config: Config, resources: contextlib.ExitStack) -> ApiServices:
    """Return what the API needs, wired and started; call it after any fork.

    Args:
        config: All settings.
        resources: What must be closed is put there.
    """
    metrics = Metrics()
    tracer = open_tracer(config)
    if tracer is not None:
        resources.callback(tracer.close)
    stopping = threading.Event()
    storage = open_storage(config, metrics, resources)
    client = resources.enter_context(closing(connect_redis(config)))
    keyring = _open_keyring(config, metrics, stopping, resources)
    cache = make_cache(config, client, metrics)
    if config.cache.warm_up:
        warm_up = WarmUp(storage.orders, cache, metrics.lookup, config.cache.warm_up, stopping)
        _end_with(resources, start_warm_up(warm_up, stopping))
    # Closed first: whatever runs in the background ends before its connections do.
    resources.callback(stopping.set)
    local: LocalCache[Document] = LocalCache(config.cache.local_size, config.cache.local_ttl)
    return ApiServices(
        lookup=Lookup(storage.orders, cache, local, metrics.lookup),
        readiness=_readiness(storage, client, keyring),
        registry=metrics.registry,
        web_dir=bundled("web"),
        list_limits=ListLimits(most=config.http.max_list_limit),
        limits=Limits(headers=config.http.max_header_bytes),
        front=_front(config, keyring, tracer),
    )


def _open_keyring(
    config: Config,
    metrics: Metrics,
    stopping: threading.Event,
    resources: contextlib.ExitStack,
) -> Keyring | None:
    """Return the keys of those who may read, kept up to date; None if all may."""
    if config.http.auth == "none":
        return None
    database = resources.enter_context(closing(open_keys_database(config, metrics)))
    keyring = Keyring(PostgresKeys(database), config.http.auth_refresh, stopping)
    _end_with(resources, keyring.start())
    return keyring


def _end_with(resources: contextlib.ExitStack, thread: threading.Thread) -> None:
    resources.callback(thread.join, _THREAD_GRACE)


def _front(config: Config, keyring: Keyring | None, tracer: Tracer | None) -> Front:
    http = config.http
    return Front(keyring, http.origins, http.rate_limit, http.proxies, tracer)


def _readiness(storage: Storage, client: CacheClient, keyring: Keyring | None) -> Readiness:
    """Return what tells whether the API can serve: a cache or the database, and the keys."""
    parts = [*storage.checks, CallCheck("redis", client.ping, required=False)]
    keys = [CallCheck("keys", keyring.check, required=True)] if keyring else []
    return Readiness(parts, keys)


def start_warm_up(warm_up: WarmUp, stopping: threading.Event) -> threading.Thread:
    """Warm the cache up in the background, once the database can be read."""

    def run() -> None:
        while not stopping.is_set():
            try:
                _log.info("the cache is warm", orders=warm_up.run())
            except OrdersError as error:
                _log.warning("the warm-up waits for the database", error=str(error))
                stopping.wait(_WARM_UP_RETRY)
            else:
                return

    thread = threading.Thread(target=run, name="warm-up", daemon=True)
    thread.start()
    return thread


def _server_settings(config: Config) -> ServerSettings:
    http = config.http
    return ServerSettings(
        host=http.host,
        port=http.port,
        workers=http.workers,
        threads=http.threads,
        backlog=http.backlog,
        shutdown_timeout=http.shutdown_timeout,
        max_header_bytes=http.max_header_bytes,
    )


def create_worker() -> Worker:
    """Return the WSGI application of one worker process, from the environment's Config."""
    config = load_config()
    configure_logging(config.log.level, config.log.format)
    share_one_arena()
    return Worker(config)


def _warn_if_open(config: Config) -> None:
    """Say that whoever reaches the port may read names, phones and addresses."""
    host = config.http.host
    if config.http.auth == "none" and not _is_loopback(host):
        _log.warning("everybody who reaches the port may read; see http.auth", host=host)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def run_api(config: Config) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    _warn_if_open(config)
    shared = None
    if config.http.workers > 1:
        # The workers' metrics meet in this directory; what is left of others must go.
        shared = tempfile.mkdtemp(prefix="order-service-metrics-")
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared
    try:
        serve(create_worker, _server_settings(config))
    finally:
        if shared:
            shutil.rmtree(shared, ignore_errors=True)
    return 0
