"""Metrics of HTTP requests: by prometheus-flask-exporter inside Flask, by hand before it.

Requests that the hot path or the guard answers never reach Flask. They are counted in the
exporter's own metrics, so that dashboards see one service.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Any, cast

from flask import Flask
from prometheus_client import Counter, Histogram
from prometheus_flask_exporter import PrometheusMetrics

from order_service.metrics import PREFIX, Registry
from order_service.metrics.tally import Tally

# A cached order takes less than a millisecond, one from Postgres a few.
_SECONDS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

# An unknown method would become a label of the metrics: clients must not make those up.
METHODS = frozenset(
    ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY")
)

ROUTE = "order_service.route"
"""Key of the WSGI environment for the route of a request that was answered in front of Flask."""

Count = Callable[[float], None]
"""Counts one request that took so many seconds."""


class HttpMeter:
    """Counts requests that are answered in front of Flask."""

    def __init__(self, registry: Registry) -> None:
        self._seconds = cast(
            "Histogram", registry.collector(f"{PREFIX}_http_request_duration_seconds")
        )
        self._total = cast("Counter", registry.collector(f"{PREFIX}_http_request"))

    def counter(self, method: str, url_rule: str, status: int) -> Count:
        """Return what counts requests with these labels; keep it, finding them is slow."""
        observe = self._seconds.labels(method, url_rule, str(status)).observe
        increment = self._total.labels(method, str(status)).inc

        def count(seconds: float) -> None:
            observe(seconds)
            increment()

        return count

    def quick_counter(self, method: str, url_rule: str, status: int) -> Count:
        """Return what counts the same for requests that are answered in the event loop."""
        seconds = self._seconds.labels(method, url_rule, str(status))
        increment = self._total.labels(method, str(status)).inc
        # There is no other way to observe several values at once.
        total, buckets = seconds._sum, seconds._buckets  # noqa: SLF001

        def tally(bucket: int) -> Count:
            def take(count: int, sum_: float) -> None:
                buckets[bucket].inc(count)
                total.inc(sum_)
                increment(count)

            return Tally(take).add

        tallies = [tally(bucket) for bucket in range(len(buckets))]

        def count(seconds: float) -> None:
            tallies[bisect_left(_SECONDS, seconds)](seconds)

        return count


def count_refusal(
    meter: HttpMeter, environ: Mapping[str, Any], status: int, seconds: float = 0.0
) -> None:
    """Count a request that was refused before anybody looked for its route."""
    method = environ["REQUEST_METHOD"]
    label = method if method in METHODS else "other"
    # The exporter, too, says None where no rule was found.
    meter.counter(label, "None", status)(seconds)


def instrument(app: Flask, registry: Registry) -> HttpMeter:
    """Count and time all requests of `app`, and serve `/metrics`.

    Args:
        app: The application.
        registry: Where the metrics are registered; they are shown with all others in it.
    """
    PrometheusMetrics(
        app,
        defaults_prefix=PREFIX,
        # The default is the path: one series for every order.
        group_by="url_rule",
        buckets=_SECONDS,
        registry=registry,
    )
    return HttpMeter(registry)
