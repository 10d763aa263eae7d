"""What records traces, if they are on; where they are off nothing of OpenTelemetry is imported."""

import os
from typing import TYPE_CHECKING

from order_service.config import TracingSettings
from order_service.infra.postgres.database import QueryObserver
from order_service.infra.redis.client import CacheClient
from order_service.infra.tracing.backends import TracedCacheClient, TracedQueries

if TYPE_CHECKING:
    from order_service.infra.tracing.otlp import Tracer


def open_tracer(settings: TracingSettings) -> "Tracer | None":
    """Return the tracer of this process, None if traces are off; call it after any fork."""
    if not settings.endpoint:
        return None
    from order_service.infra.tracing.otlp import Tracer  # noqa: PLC0415 - see above

    name = os.environ.get("OTEL_SERVICE_NAME", "order-service")
    return Tracer(settings.endpoint, settings.sample_ratio, name)


def traced_queries(settings: TracingSettings, observer: QueryObserver, host: str) -> QueryObserver:
    """Return `observer`, with spans of the queries to `host` if traces are on."""
    return TracedQueries(observer, host) if settings.endpoint else observer


def traced_cache(settings: TracingSettings, client: CacheClient) -> CacheClient:
    """Return `client`, with spans of its commands if traces are on."""
    return TracedCacheClient(client) if settings.endpoint else client
