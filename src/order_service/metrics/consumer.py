"""Whether the Kafka consumer keeps up with its topic."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge

from .registry import PREFIX


class ConsumerMetrics:
    """Whether the consumer keeps up. Written by the one thread that owns it."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], float]) -> None:
        self._clock = clock
        # The one number to alert on: it grows whenever anything is wrong with ingestion.
        self._lag = Gauge(
            f"{PREFIX}_consumer_lag_messages",
            "Messages behind the end of the partition, for assigned partitions",
            ["partition"],
            registry=registry,
        )
        self._assigned = Gauge(
            f"{PREFIX}_consumer_assigned_partitions",
            "Partitions that this consumer reads",
            registry=registry,
        )
        # A broker that is away raises no error in the client: only this age shows it.
        self._last_fetch = Gauge(
            f"{PREFIX}_consumer_last_fetch_timestamp_seconds",
            "When a broker last answered a fetch (Unix time, UTC)",
            registry=registry,
        )
        self._fetch_age = Gauge(
            f"{PREFIX}_consumer_last_fetch_age_seconds",
            "Seconds since a broker last answered a fetch",
            registry=registry,
        )
        self._register_troubles(registry)

    def _register_troubles(self, registry: CollectorRegistry) -> None:
        # Paused by the limit on rejected messages: a person has to look.
        self._paused = Gauge(
            f"{PREFIX}_consumer_paused",
            "1 while consumption is paused because too many messages were rejected",
            registry=registry,
        )
        self._pause_causes = Gauge(
            f"{PREFIX}_consumer_paused_rejections",
            "Rejected messages that made consumption pause, by reason",
            ["reason"],
            registry=registry,
        )
        # Anything but 0 is a loss before us: retention or a broker without durability.
        self._gaps = Counter(
            f"{PREFIX}_offset_gap_messages_total",
            "Messages that the broker dropped before they were read",
            registry=registry,
        )
        self._stalls = Counter(
            f"{PREFIX}_watchdog_stalls_total",
            "Times that the watchdog saw no progress while there was lag",
            registry=registry,
        )

    def lag(self, messages: Mapping[int, int]) -> None:
        """Set the lag of all assigned partitions, by partition number."""
        for partition in self._stale(messages):
            self._lag.remove(partition)
        for number, behind in messages.items():
            self._lag.labels(str(number)).set(behind)
        self._assigned.set(len(messages))

    def _stale(self, messages: Mapping[int, int]) -> set[str]:
        """Return the label values of partitions that are no longer ours."""
        known = {s.labels["partition"] for m in self._lag.collect() for s in m.samples}
        return known - {str(number) for number in messages}

    def fetched(self) -> None:
        """A broker has just answered a fetch."""
        now = self._clock()
        self._last_fetch.set(now)
        self._fetch_age.set_function(lambda: self._clock() - now)

    def paused(self, *, now: bool, causes: Mapping[str, int] = {}) -> None:
        """Consumption was paused, or resumed; `causes` are rejections by reason."""
        self._paused.set(now)
        self._pause_causes.clear()
        for reason, count in causes.items():
            self._pause_causes.labels(reason).set(count)

    def gap(self, messages: int) -> None:
        """`messages` offsets were missing between two that were read."""
        self._gaps.inc(messages)

    def stalled(self) -> None:
        """The watchdog saw no progress."""
        self._stalls.inc()
