"""What records traces, if they are on; where they are off nothing of OpenTelemetry is imported."""

from order_service.config import Config
from order_service.infra.postgres.database import QueryObserver
from order_service.infra.redis.client import CacheClient
from order_service.infra.tracing.backends import TracedCacheClient, TracedQueries
from order_service.infra.tracing.spans import Tracer


def open_tracer(config: Config) -> Tracer | None:
    """Return the tracer of this process, None if traces are off; call it after any fork."""
    tracing = config.tracing
    if not tracing.endpoint:
        return None
    from order_service.infra.tracing.otlp import OtlpTracer, Settings  # noqa: PLC0415 - see above

    return OtlpTracer(Settings(tracing.endpoint, tracing.sample_ratio, tracing.service_name))


def traced_queries(config: Config, observer: QueryObserver, host: str) -> QueryObserver:
    """Return `observer`, with spans of the queries to `host` if traces are on."""
    return TracedQueries(observer, host) if config.tracing.endpoint else observer


def traced_cache(config: Config, client: CacheClient) -> CacheClient:
    """Return `client`, with spans of its commands if traces are on."""
    return TracedCacheClient(client) if config.tracing.endpoint else client
