"""Every Prometheus metric of the service, named and explained in this one place.

The help text says what a metric counts, the comment beside it why it is there. All names
begin with ``order_service_``; labels take values from small fixed sets only, never from
what a client or a message says. The HTTP server's own metrics are made by
prometheus-flask-exporter under the same prefix (see `http.metering`).
"""

import time
from collections.abc import Callable
from functools import cached_property

from prometheus_client import ProcessCollector

from .backends import BackendMetrics
from .consumer import ConsumerMetrics
from .ingest import BatchMetrics, IngestMetrics
from .lookup import CacheMetrics, LookupMetrics
from .registry import PREFIX, Registry, registry_for_scrape

__all__ = ["PREFIX", "Metrics", "Registry", "registry_for_scrape"]


class Metrics:
    """The metrics of one process, in one registry.

    A group is registered when it is first asked for, so that the API does not export a
    consumer's zeros and the other way round. Ask for the groups while wiring, in one thread.

    Args:
        registry: Where they are registered; a new one unless it is given.
        clock: Unix time in seconds.
    """

    def __init__(
        self, registry: Registry | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.registry = registry or Registry()
        self._clock = clock
        # Memory, CPU and the start time, which shows restarts: a counter of them would not
        # survive them. Worker processes that share a registry's files do not export these.
        ProcessCollector(registry=self.registry)

    @cached_property
    def ingest(self) -> IngestMetrics:
        """What became of the messages; an IngestObserver."""
        return IngestMetrics(self.registry)

    @cached_property
    def batch(self) -> BatchMetrics:
        """Size and stages of the batches."""
        return BatchMetrics(self.registry)

    @cached_property
    def consumer(self) -> ConsumerMetrics:
        """Lag, fetches, pauses of the Kafka consumer."""
        return ConsumerMetrics(self.registry, self._clock)

    @cached_property
    def lookup(self) -> LookupMetrics:
        """Where lookups were answered; a LookupObserver."""
        return LookupMetrics(self.registry)

    @cached_property
    def cache(self) -> CacheMetrics:
        """Failures of the shared cache."""
        return CacheMetrics(self.registry)

    @cached_property
    def backends(self) -> BackendMetrics:
        """Queries and retries."""
        return BackendMetrics(self.registry)
