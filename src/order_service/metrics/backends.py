"""Queries to Postgres, retries of Postgres and Kafka, and how Redis is."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from .registry import PREFIX, starting_at_zero

# One query by key takes a tenth of a millisecond.
_QUERY_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5)


class BackendMetrics:
    """Queries and retries of the backends."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._queries = Counter(
            f"{PREFIX}_db_queries_total",
            "Database queries, by name and result (ok or error)",
            ["query", "result"],
            registry=registry,
        )
        self._seconds = Histogram(
            f"{PREFIX}_db_query_duration_seconds",
            "Time of one database query, the wait for a connection included",
            ["query"],
            buckets=_QUERY_SECONDS,
            registry=registry,
        )
        # Retries hide outages from clients; this keeps them visible to operators.
        self._retries = starting_at_zero(
            Counter(
                f"{PREFIX}_retries_total",
                "Calls that were repeated after a transient fault, by backend",
                ["backend"],
                registry=registry,
            ),
            ["postgres", "kafka", "dead-letters"],
        )
        # Beyond postgres.read_max_lag the primary does the work of the replica too.
        self.replica_lag = Gauge(
            f"{PREFIX}_db_replica_lag_seconds",
            "How far the replica for lookups is behind, +Inf if it is away; 0 if none is named",
            multiprocess_mode="livemax",
            registry=registry,
        )

    def queried(self, query: str, seconds: float, *, ok: bool) -> None:
        """The query named `query` ended after `seconds`."""
        self._queries.labels(query, "ok" if ok else "error").inc()
        self._seconds.labels(query).observe(seconds)

    def retried(self, backend: str) -> None:
        """A call to `backend` is about to be repeated."""
        self._retries.labels(backend).inc()


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
