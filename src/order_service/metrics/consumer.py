"""Whether a Kafka consumer keeps up with its topic."""

import time
from collections.abc import Callable, Mapping
from functools import partial

from prometheus_client import Counter, Gauge

from order_service.infra.kafka.topic import Subscription

from .registry import PREFIX, Registry

_LABELS = Subscription._fields


class _Collectors:
    def __init__(self, registry: Registry) -> None:
        gauge = partial(Gauge, labelnames=_LABELS, namespace=PREFIX, registry=registry)
        counter = partial(Counter, labelnames=_LABELS, namespace=PREFIX, registry=registry)
        # The one number to alert on: it grows whenever anything is wrong with consumption.
        self.lag = gauge(
            "consumer_lag_messages",
            "Messages behind the end of the partition, for assigned partitions",
            labelnames=[*_LABELS, "partition"],
        )
        self.assigned = gauge("consumer_assigned_partitions", "Partitions that this consumer reads")
        # A broker that is away raises no error in the client: only this age shows it.
        self.last_fetch = gauge(
            "consumer_last_fetch_timestamp_seconds",
            "When a broker last answered a fetch (Unix time, UTC)",
        )
        self.fetch_age = gauge(
            "consumer_last_fetch_age_seconds", "Seconds since a broker last answered a fetch"
        )
        # Paused by the limit on rejected messages: a person has to look.
        self.paused = gauge(
            "consumer_paused",
            "1 while consumption is paused because too many messages were rejected",
        )
        self.pause_causes = gauge(
            "consumer_paused_rejections",
            "Rejected messages that made consumption pause, by reason",
            labelnames=[*_LABELS, "reason"],
        )
        # Anything but 0 is a loss before us: retention or a broker without durability.
        self.gaps = counter(
            "offset_gap_messages_total", "Messages that the broker dropped before they were read"
        )
        self.stalls = counter(
            "watchdog_stalls_total", "Times that the watchdog saw no progress while there was lag"
        )


class ConsumerMetrics:
    """Implements :class:`infra.kafka.progress.ConsumerObserver` for one consumption.

    Written by the one thread that owns the consumer; the watchdog's may tell of a stall.

    Args:
        registry: Where they are registered; several consumptions may share one.
        subscription: Tells them apart.
        clock: Unix time in seconds.
    """

    def __init__(
        self,
        registry: Registry,
        subscription: Subscription,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._subscription = subscription
        self._clock = clock
        self._collectors = of = registry.shared(_Collectors)
        self._assigned = of.assigned.labels(*subscription)
        self._last_fetch = of.last_fetch.labels(*subscription)
        self._fetch_age = of.fetch_age.labels(*subscription)
        self._paused = of.paused.labels(*subscription)
        self._gaps = of.gaps.labels(*subscription)
        self._stalls = of.stalls.labels(*subscription)
        self._partitions: set[int] = set()

    def lag(self, messages: Mapping[int, int]) -> None:
        """Set the lag of all assigned partitions, by partition number."""
        # A partition that is no longer ours must not go on showing its last lag.
        for number in self._partitions - messages.keys():
            self._collectors.lag.remove(*self._subscription, str(number))
        for number, behind in messages.items():
            self._collectors.lag.labels(*self._subscription, str(number)).set(behind)
        self._partitions = set(messages)
        self._assigned.set(len(messages))

    def fetched(self) -> None:
        """A broker has just answered a fetch."""
        now = self._clock()
        self._last_fetch.set(now)
        self._fetch_age.set_function(lambda: self._clock() - now)

    def paused(self, causes: Mapping[str, int]) -> None:
        """Consumption is paused; `causes` are rejections by reason."""
        self._paused.set(1)
        for reason, count in causes.items():
            self._collectors.pause_causes.labels(*self._subscription, reason).set(count)

    def gap(self, messages: int) -> None:
        """`messages` offsets were missing between two that were read."""
        self._gaps.inc(messages)

    def stalled(self) -> None:
        """The watchdog saw no progress."""
        self._stalls.inc()
