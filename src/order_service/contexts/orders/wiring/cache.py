"""The shared cache, as API and consumer use it."""

from order_service.context.process import Process
from order_service.contexts.orders.redis_cache import Lifetimes, RedisCache
from order_service.contexts.orders.settings import CacheSettings
from order_service.infra.redis.client import CacheClient

_JITTER = 0.1
"""Share of the lifetime by which it varies, so that orders cached together expire apart."""


def make_cache(process: Process, client: CacheClient, settings: CacheSettings) -> RedisCache:
    """Return the cache over a client."""
    circuit, metrics = process.cache_circuit()
    lifetimes = Lifetimes(settings.ttl, _JITTER, settings.negative_ttl)
    return RedisCache(client, lifetimes, circuit, metrics.errors.inc)
