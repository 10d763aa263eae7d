"""The API process: lookups over HTTP, the cache warmed up in the background."""

import os
import shutil
import tempfile
import threading

import structlog

from order_service.config import Config, load_config
from order_service.http.app import ApiServices, create_wsgi
from order_service.http.guard import Limits, Wsgi
from order_service.http.health import Readiness
from order_service.http.server import ServerSettings, serve
from order_service.infra.local_cache import LocalCache
from order_service.infra.logging import configure_logging
from order_service.infra.resources import bundled
from order_service.metrics import Metrics
from order_service.orders.api import ListLimits
from order_service.orders.errors import OrdersError
from order_service.orders.lookup import Lookup, WarmUp
from order_service.orders.model import Document
from order_service.orders.postgres import PostgresOrders

from .backends import connect_redis, make_cache, open_database
from .checks import CallCheck

_log = structlog.get_logger(__name__)

_WARM_UP_RETRY = 2.0
"""Seconds between two tries of a warm-up that found the database away."""


def make_services(config: Config, stopping: threading.Event) -> ApiServices:
    """Return what the API needs, wired and started; call it after any fork."""
    metrics = Metrics()
    orders = PostgresOrders(open_database(config, metrics))
    client = connect_redis(config)
    cache = make_cache(config, client, metrics)
    local: LocalCache[Document] = LocalCache(config.cache.local_size, config.cache.local_ttl)
    if config.cache.warm_up:
        warm_up = WarmUp(orders, cache, metrics.lookup, config.cache.warm_up, stopping)
        start_warm_up(warm_up, stopping)
    return ApiServices(
        lookup=Lookup(orders, cache, local, metrics.lookup),
        readiness=Readiness(
            [
                CallCheck("postgres", orders.check, required=False),
                CallCheck("redis", client.ping, required=False),
            ]
        ),
        registry=metrics.registry,
        web_dir=bundled("web"),
        list_limits=ListLimits(most=config.http.max_list_limit),
        limits=Limits(headers=config.http.max_header_bytes),
    )


def start_warm_up(warm_up: WarmUp, stopping: threading.Event) -> None:
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

    threading.Thread(target=run, name="warm-up", daemon=True).start()


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


def create_worker() -> Wsgi:
    """Return the WSGI application of one worker process, from the environment's Config."""
    config = load_config()
    configure_logging(config.log.level, config.log.format)
    return create_wsgi(make_services(config, threading.Event()))


def run_api(config: Config) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
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
