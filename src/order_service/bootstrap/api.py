"""The API's server, and the processes that answer for it.

This process only watches over those. Where it forks them it loads what they are made of first, once
for all. It opens no connection and starts no thread before that: a fork does not copy them whole.
"""

import os
import shutil
import tempfile
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

import structlog

from order_service.config import Config
from order_service.http.server import ServerSettings, serve
from order_service.infra.addresses import is_loopback
from order_service.infra.loading import FORKS, modules_loading

from .contexts import api_modules

if TYPE_CHECKING:
    from .api_process import Api

_log = structlog.get_logger(__name__)


def _create(config: Config) -> "Api":
    with modules_loading():
        from .api_process import create_api  # noqa: PLC0415 - see above

        return create_api(config)


def server_settings(config: Config) -> ServerSettings:
    """Return how the server runs."""
    http = config.http
    return ServerSettings(
        host=http.host,
        port=http.port,
        workers=http.workers,
        threads=http.threads,
        shutdown_timeout=http.shutdown_timeout,
    )


def _warn_if_open(config: Config) -> None:
    """Say that whoever reaches the port may read names, phones and addresses."""
    host = config.http.host
    if config.http.auth == "none" and not is_loopback(host):
        _log.warning("everybody who reaches the port may read; see http.auth", host=host)


def run_api(config: Config) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    _warn_if_open(config)
    shared = None
    if config.http.workers > 1:
        # The workers' metrics meet in this directory; what is left of others must go.
        shared = tempfile.mkdtemp(prefix="order-service-metrics-")
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared
    if FORKS:
        with modules_loading():
            for module in api_modules(config):
                import_module(module)
    try:
        serve(partial(_create, config), server_settings(config))
    finally:
        if shared:
            shutil.rmtree(shared, ignore_errors=True)
    return 0
