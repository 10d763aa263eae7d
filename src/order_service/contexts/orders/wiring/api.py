"""What the orders context adds to an API process: lookups, and the cache warmed up for them."""

import threading
from typing import NamedTuple

import structlog

from order_service.context.checks import CallCheck
from order_service.context.process import Process
from order_service.contexts.orders.api.part import create_part
from order_service.contexts.orders.errors import OrdersError
from order_service.contexts.orders.lookup import Caches, Lookup, Sharing, WarmUp
from order_service.contexts.orders.metrics import LookupMetrics
from order_service.contexts.orders.model import Document
from order_service.contexts.orders.quick_lookup import QuickBackends, QuickLookup
from order_service.contexts.orders.redis_cache import RedisCache
from order_service.contexts.orders.redis_quickly import RedisQuickly
from order_service.contexts.orders.renewal import Renewal
from order_service.contexts.orders.settings import OrdersSettings
from order_service.http.api_part import ApiPart
from order_service.infra.local_cache import LocalCache
from order_service.infra.redis.client import CacheClient, FastRedis
from order_service.infra.redis.loop_calls import LoopCalls
from order_service.infra.tracing.spans import current_span

from .cache import make_cache
from .storage import open_storage

_log = structlog.get_logger(__name__)

_WARM_UP_RETRY = 2.0
"""Seconds between two tries of a warm-up that found the database away."""


_WAITING = 0.75
"""Share of the server's threads that may wait for a database that hangs: the others answer what
is in the caches."""


class OpenLookup(NamedTuple):
    """The lookup on its backends, the same in an event loop, and whether these are well."""

    lookup: Lookup
    quick: QuickLookup
    checks: list[CallCheck]


def open_api(process: Process) -> ApiPart:
    """Return the routes on their backends; the cache is warmed up in the background."""
    return create_part(*open_lookup(process))


def open_lookup(process: Process) -> OpenLookup:
    """Return the lookup; the cache is warmed up in the background."""
    settings = process.config.of(OrdersSettings).cache
    storage, client = open_storage(process), process.cache_client()
    cache, metrics = make_cache(process, client, settings), LookupMetrics(process.registry)
    if settings.warm_up:
        warm_up = WarmUp(storage.orders, cache, metrics, settings.warm_up, process.stopping)
        process.ends(start_warm_up(warm_up, process.stopping))
    local: LocalCache[Document] = LocalCache(settings.local_size, settings.local_ttl)
    process.ends(start_renewal(Renewal(cache, local), local, process.stopping))
    checks = [*storage.checks, CallCheck("redis", client.ping, required=False)]
    waiting = max(1, round(process.config.http.threads * _WAITING))
    sharing = Sharing(waiting, lambda: current_span() is not None)
    lookup = Lookup(storage.orders, Caches(local, cache), metrics, sharing)
    backends = QuickBackends(open_quick_cache(process, client, cache), storage.quick)
    return OpenLookup(lookup, QuickLookup(lookup, local, backends, metrics, waiting), checks)


def open_quick_cache(
    process: Process, client: CacheClient, cache: RedisCache
) -> RedisQuickly | None:
    """Return the cache as it is asked in an event loop; None over TLS and with a cluster."""
    if not (isinstance(client, FastRedis) and client.makes_lines):
        return None
    calls = LoopCalls(client.make_line, process.config.redis.timeout)
    process.closes(calls.close)
    return RedisQuickly(calls, cache)


def start_renewal(
    renewal: Renewal, local: LocalCache[Document], stopping: threading.Event
) -> threading.Thread:
    """Read what is asked for over and over anew in the background."""
    local.ending = renewal.note
    thread = threading.Thread(target=renewal.run, args=[stopping], name="renewal", daemon=True)
    thread.start()
    return thread


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
