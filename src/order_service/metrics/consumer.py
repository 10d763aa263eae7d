"""Whether a Kafka consumer keeps up with its topic."""

import time
from collections.abc import Callable, Mapping

from prometheus_client import Counter, Gauge

from order_service.infra.kafka.subscription import Subscription

from .registry import PREFIX, Registry

_LABELS = Subscription._fields


class _Collectors:
    def __init__(self, registry: Registry) -> None:
        # The one number to alert on: it grows whenever anything is wrong with consumption.
        self.lag = Gauge(
            f"{PREFIX}_consumer_lag_messages",
            "Messages behind the end of the partition, for assigned partitions",
            [*_LABELS, "partition"],
            registry=registry,
        )
        self.assigned = Gauge(
            f"{PREFIX}_consumer_assigned_partitions",
            "Partitions that this consumer reads",
            _LABELS,
            registry=registry,
        )
        # A broker that is away raises no error in the client: only this age shows it.
        self.last_fetch = Gauge(
            f"{PREFIX}_consumer_last_fetch_timestamp_seconds",
            "When a broker last answered a fetch (Unix time, UTC)",
            _LABELS,
            registry=registry,
        )
        self.fetch_age = Gauge(
            f"{PREFIX}_consumer_last_fetch_age_seconds",
            "Seconds since a broker last answered a fetch",
            _LABELS,
            registry=registry,
        )
        self._register_troubles(registry)

    def _register_troubles(self, registry: Registry) -> None:
        # Paused by the limit on rejected messages: a person has to look.
        self.paused = Gauge(
            f"{PREFIX}_consumer_paused",
            "1 while consumption is paused because too many messages were rejected",
            _LABELS,
            registry=registry,
        )
        self.pause_causes = Gauge(
            f"{PREFIX}_consumer_paused_rejections",
            "Rejected messages that made consumption pause, by reason",
            [*_LABELS, "reason"],
            registry=registry,
        )
        # Anything but 0 is a loss before us: retention or a broker without durability.
        self.gaps = Counter(
            f"{PREFIX}_offset_gap_messages_total",
            "Messages that the broker dropped before they were read",
            _LABELS,
            registry=registry,
        )
        self.stalls = Counter(
            f"{PREFIX}_watchdog_stalls_total",
            "Times that the watchdog saw no progress while there was lag",
            _LABELS,
            registry=registry,
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
