"""How a shared cache is."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from .registry import PREFIX


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
