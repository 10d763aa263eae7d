"""What outboxes and inboxes tell Prometheus."""

from prometheus_client import Counter, Gauge

from order_service.metrics import PREFIX, Registry

from .outbox.ports import OutboxDepth

_CONTEXT = ["context"]


class _OutboxCollectors:
    def __init__(self, registry: Registry) -> None:
        # How far what other contexts know lags behind what is committed.
        self.messages = Gauge(
            f"{PREFIX}_outbox_messages",
            "Messages that wait in the outbox to be published, counted up to 100,000",
            _CONTEXT,
            registry=registry,
            multiprocess_mode="livemax",
        )
        # The figure to alert on: it rises whatever it is that keeps messages from leaving.
        self.oldest = Gauge(
            f"{PREFIX}_outbox_oldest_age_seconds",
            "Age of the oldest message in the outbox, 0 if it is empty",
            _CONTEXT,
            registry=registry,
            multiprocess_mode="livemax",
        )
        # Each is for a person: its topic refuses it, and it will not leave by itself.
        self.blocked = Gauge(
            f"{PREFIX}_outbox_blocked_messages",
            "Messages that their topic refuses, each of which holds up its key",
            _CONTEXT,
            registry=registry,
            multiprocess_mode="livemax",
        )
        # The sum over all relays is 16; less means that a part of the messages waits.
        self.shards = Gauge(
            f"{PREFIX}_outbox_leased_shards",
            "Shards of the outbox that this relay works on",
            _CONTEXT,
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.published = Counter(
            f"{PREFIX}_outbox_published_total",
            "Messages of the outbox that the brokers acknowledged",
            _CONTEXT,
            registry=registry,
        )
        self.refused = Counter(
            f"{PREFIX}_outbox_refused_total",
            "Times that a topic refused a message of the outbox",
            _CONTEXT,
            registry=registry,
        )


class OutboxMetrics:
    """The outbox of one context. Implements :class:`outbox.ports.RelayObserver`.

    Args:
        registry: Where they are registered; several contexts may share one.
        context: Whose it is.
    """

    def __init__(self, registry: Registry, context: str) -> None:
        collectors = registry.shared(_OutboxCollectors)
        self._messages = collectors.messages.labels(context)
        self._oldest = collectors.oldest.labels(context)
        self._blocked = collectors.blocked.labels(context)
        self._shards = collectors.shards.labels(context)
        self._published = collectors.published.labels(context)
        self._refused = collectors.refused.labels(context)

    def published(self, messages: int) -> None:
        """Messages were acknowledged."""
        self._published.inc(messages)

    def refused(self, messages: int) -> None:
        """Messages were refused by their topics."""
        self._refused.inc(messages)

    def holds(self, shards: int) -> None:
        """The relay works on so many shards."""
        self._shards.set(shards)

    def measured(self, depth: OutboxDepth) -> None:
        """So much waits."""
        self._messages.set(depth.messages)
        self._oldest.set(depth.oldest)
        self._blocked.set(depth.blocked)


class _InboxCollectors:
    def __init__(self, registry: Registry) -> None:
        # What became of the messages: its sum is the number that were dealt with.
        self.messages = Counter(
            f"{PREFIX}_inbox_messages_total",
            "Messages that were dealt with for good, by what became of them",
            [*_CONTEXT, "result"],
            registry=registry,
        )


class InboxMetrics:
    """The inbox of one context. Implements :class:`inbox.ports.InboxObserver`.

    Args:
        registry: Where they are registered; several contexts may share one.
        context: Whose it is.
    """

    def __init__(self, registry: Registry, context: str) -> None:
        messages = registry.shared(_InboxCollectors).messages
        self._handled = messages.labels(context, "handled")
        self._duplicates = messages.labels(context, "duplicate")
        self._rejected = messages.labels(context, "dead_letter")

    def handled(self, messages: int) -> None:
        """Messages had their effect."""
        self._handled.inc(messages)

    def duplicates(self, messages: int) -> None:
        """Messages had had their effect before."""
        self._duplicates.inc(messages)

    def rejected(self, messages: int) -> None:
        """Messages were acknowledged as dead letters."""
        self._rejected.inc(messages)
