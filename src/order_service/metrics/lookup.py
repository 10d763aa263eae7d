"""Where lookups are answered, and how the shared cache is."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from order_service.contexts.orders.ports import Level

from .registry import PREFIX


class LookupMetrics:
    """Where lookups are answered. Implements :class:`orders.ports.LookupObserver`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # local and hit over all is the hit ratio; misses are the load on Postgres.
        requests = Counter(
            f"{PREFIX}_cache_requests_total",
            "Lookups by where they were answered: local, hit (Redis) or miss (Postgres)",
            ["level"],
            registry=registry,
        )
        self._by_level = {level: requests.labels(level) for level in Level}
        self._warmed = Gauge(
            f"{PREFIX}_warm_up_orders",
            "Orders that the warm-up has cached",
            multiprocess_mode="max",
            registry=registry,
        )
        self._warm = Gauge(
            f"{PREFIX}_warm_up_done",
            "1 when the warm-up has cached all that it was asked for",
            multiprocess_mode="max",
            registry=registry,
        )

    def looked_up(self, level: Level) -> None:
        """One lookup was answered from `level`."""
        self._by_level[level].inc()

    def warmed(self, done: int, total: int) -> None:
        """The warm-up has cached `done` of at most `total` orders."""
        self._warmed.set(done)
        self._warm.set(done >= total)


class CacheMetrics:
    """How the shared cache is, for every process that uses it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Errors cost a client only time, so nobody would notice without this.
        self.errors = Counter(
            f"{PREFIX}_cache_errors_total",
            "Calls to Redis that failed",
            registry=registry,
        )
        self.circuit_open = Gauge(
            f"{PREFIX}_cache_circuit_open",
            "1 while Redis is left alone after a failure",
            multiprocess_mode="livemax",
            registry=registry,
        )
