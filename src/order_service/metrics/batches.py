"""The batches in which a consumer takes messages: how large they are and where their time goes."""

from functools import partial

from prometheus_client import Histogram

from order_service.infra.kafka.topic import Subscription

from .registry import PREFIX, Registry

# A batch is one database transaction: milliseconds when all is well, many seconds when not.
_STAGE_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_BATCH_MESSAGES = (1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000)
_BATCH_BYTES = tuple(float(4**power) for power in range(5, 14))  # 1 KiB to 64 MiB
_STAGES = ("decode", "store", "commit")


class _Collectors:
    def __init__(self, registry: Registry) -> None:
        histogram = partial(
            Histogram, labelnames=Subscription._fields, namespace=PREFIX, registry=registry
        )
        # Full batches mean a backlog, batches of one mean an idle topic.
        self.messages = histogram(
            "batch_messages", "Messages in one batch", buckets=_BATCH_MESSAGES
        )
        self.bytes = histogram(
            "batch_bytes", "Bytes of the message values in one batch", buckets=_BATCH_BYTES
        )
        # Names the stage that slows consumption down.
        self.seconds = histogram(
            "batch_duration_seconds",
            "Time that one batch spent in each stage",
            labelnames=[*Subscription._fields, "stage"],
            buckets=_STAGE_SECONDS,
        )


class BatchMetrics:
    """The batches of one consumption. Implements :class:`infra.kafka.batching.BatchObserver`.

    Args:
        registry: Where they are registered; several consumptions may share one.
        subscription: Tells them apart.
    """

    def __init__(self, registry: Registry, subscription: Subscription) -> None:
        collectors = registry.shared(_Collectors)
        # Looked up here once: finding a series by its labels takes longer than adding to it.
        self._messages = collectors.messages.labels(*subscription)
        self._bytes = collectors.bytes.labels(*subscription)
        self._seconds = {
            stage: collectors.seconds.labels(*subscription, stage) for stage in _STAGES
        }

    def taken(self, messages: int, size: int) -> None:
        """A batch of `messages` messages and `size` bytes was read."""
        self._messages.observe(messages)
        self._bytes.observe(size)

    def took(self, stage: str, seconds: float) -> None:
        """One stage of a batch took `seconds`: decode, store, or commit."""
        self._seconds[stage].observe(seconds)
