"""Where the metrics are registered, and what all of them share."""

import os
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    multiprocess,
)
from prometheus_client.registry import Collector

PREFIX = "order_service"
"""Every name begins with it."""

_Group = TypeVar("_Group")


class Registry(CollectorRegistry):
    """A registry that hands out its collectors by metric name.

    prometheus-flask-exporter keeps its metrics to itself; requests that are answered
    before Flask must be counted in the very same ones.
    """

    def __init__(self) -> None:
        super().__init__(auto_describe=True)
        self._by_name: dict[str, Collector] = {}
        self._shared: dict[Callable[[Registry], Any], Any] = {}

    def register(self, collector: Collector) -> None:
        """Add `collector`."""
        super().register(collector)
        self._by_name.update((metric.name, collector) for metric in collector.collect())

    def collector(self, name: str) -> Collector:
        """Return what was registered under the metric name `name` (without ``_total``).

        Raises:
            KeyError: Nothing was.
        """
        return self._by_name[name]

    def shared(self, group: "Callable[[Registry], _Group]") -> _Group:
        """Return the one `group` of metrics of this registry, made at the first call.

        For what several parts of a process have in common: a name can be registered only once.
        Not thread-safe; ask while wiring.
        """
        if group not in self._shared:
            self._shared[group] = group(self)
        made: _Group = self._shared[group]
        return made


def process_registry() -> Registry:
    """Return a new registry with the metrics that every process has.

    Memory, CPU and the start time, which shows restarts: a counter of them would not survive
    them. Worker processes that share a registry's files do not export these.
    """
    registry = Registry()
    ProcessCollector(registry=registry)
    return registry


def registry_for_scrape(registry: CollectorRegistry) -> CollectorRegistry:
    """Return what a scrape should show: `registry`, or the sum over all worker processes.

    Several processes share their figures through the directory that the environment
    variable ``PROMETHEUS_MULTIPROC_DIR`` names. It must be set before prometheus_client
    is imported, and the directory must be emptied when the service starts.
    """
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return registry
    combined = CollectorRegistry()
    multiprocess.MultiProcessCollector(combined)  # type: ignore[no-untyped-call]
    return combined


_Metric = TypeVar("_Metric", Counter, Gauge, Histogram)


def starting_at_zero(metric: _Metric, values: Collection[str]) -> _Metric:
    """Create the series of these label values, so that the first event shows as a rise."""
    for value in values:
        metric.labels(value)
    return metric
