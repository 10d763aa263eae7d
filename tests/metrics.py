"""The metrics of all processes, in one registry, each group made when it is first asked for."""

from functools import cached_property

from order_service.contexts.orders.metrics import IngestMetrics, LookupMetrics
from order_service.metrics import BackendMetrics, CacheMetrics, Registry, process_registry


class Metrics:
    """What the processes of the service make of their registries."""

    def __init__(self, registry: Registry | None = None) -> None:
        self.registry = registry or process_registry()

    @cached_property
    def ingest(self) -> IngestMetrics:
        """What became of the messages."""
        return IngestMetrics(self.registry)

    @cached_property
    def lookup(self) -> LookupMetrics:
        """Where lookups were answered."""
        return LookupMetrics(self.registry)

    @cached_property
    def cache(self) -> CacheMetrics:
        """Failures of the shared cache."""
        return CacheMetrics(self.registry)

    @cached_property
    def backends(self) -> BackendMetrics:
        """Queries and retries."""
        return BackendMetrics(self.registry)
