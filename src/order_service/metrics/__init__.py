"""The Prometheus metrics that several contexts share; what is a context's own is in its folder.

The help text says what a metric counts, the comment beside it why it is there. All names
begin with ``order_service_``; labels take values from small fixed sets only, never from
what a client or a message says. The HTTP server's own metrics are made by
prometheus-flask-exporter under the same prefix (see `http.metering`).
"""

from .backends import BackendMetrics, CacheMetrics
from .batches import BatchMetrics
from .consumer import ConsumerMetrics
from .registry import PREFIX, Registry, process_registry, registry_for_scrape, starting_at_zero

__all__ = [
    "PREFIX",
    "BackendMetrics",
    "BatchMetrics",
    "CacheMetrics",
    "ConsumerMetrics",
    "Registry",
    "process_registry",
    "registry_for_scrape",
    "starting_at_zero",
]
