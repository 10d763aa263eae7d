"""What ingest does: messages by result, and the batches they come in."""

import collections
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

from prometheus_client import CollectorRegistry, Counter, Histogram

from order_service.contexts.orders.ports import DeadLetter, Outcome

from .registry import PREFIX, starting_at_zero

# A batch is one database transaction: milliseconds when all is well, many seconds when not.
_STAGE_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_BATCH_MESSAGES = (1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000)
_BATCH_BYTES = tuple(float(4**power) for power in range(5, 14))  # 1 KiB to 64 MiB


class IngestMetrics:
    """What became of the messages. Implements :class:`orders.ports.IngestObserver`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Its sum is the number of messages that were dealt with: nothing may be missing.
        self.messages = starting_at_zero(
            Counter(
                f"{PREFIX}_messages_total",
                "Messages that were dealt with for good, by what became of them",
                ["result"],
                registry=registry,
            ),
            [*Outcome, "superseded", "dead_letter"],
        )
        # The figure that the business watches.
        self.created = Counter(
            f"{PREFIX}_orders_created_total",
            "Orders that were stored for the first time",
            registry=registry,
        )
        # Tells a shop that sends nonsense from a deploy of ours that refuses everything.
        self.dead_letters = Counter(
            f"{PREFIX}_dead_letters_total",
            "Messages that the broker acknowledged as dead letters, by reason",
            ["reason"],
            registry=registry,
        )

    def stored(self, outcomes: Mapping[str, Outcome]) -> None:
        """Orders of one batch were committed."""
        tally = collections.Counter(outcomes.values())
        for outcome, count in tally.items():
            self.messages.labels(outcome).inc(count)
        self.created.inc(tally[Outcome.CREATED])

    def rejected(self, letters: Sequence[DeadLetter]) -> None:
        """Messages of one batch were acknowledged as dead letters."""
        for letter in letters:
            self.messages.labels("dead_letter").inc()
            self.dead_letters.labels(letter.reason).inc()

    def superseded(self, count: int) -> None:
        """`count` messages were overtaken by a later one of their uid in the same batch."""
        self.messages.labels("superseded").inc(count)


class BatchMetrics:
    """How large the batches are and where their time goes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Full batches mean a backlog, batches of one mean an idle topic.
        self._messages = Histogram(
            f"{PREFIX}_batch_messages",
            "Messages in one batch",
            buckets=_BATCH_MESSAGES,
            registry=registry,
        )
        self._bytes = Histogram(
            f"{PREFIX}_batch_bytes",
            "Bytes of the message values in one batch",
            buckets=_BATCH_BYTES,
            registry=registry,
        )
        # Names the stage that slows ingestion down.
        self._seconds = starting_at_zero(
            Histogram(
                f"{PREFIX}_batch_duration_seconds",
                "Time that one batch spent in each stage",
                ["stage"],
                buckets=_STAGE_SECONDS,
                registry=registry,
            ),
            ["decode", "store", "commit"],
        )

    def taken(self, messages: int, size: int) -> None:
        """A batch of `messages` messages and `size` bytes was read."""
        self._messages.observe(messages)
        self._bytes.observe(size)

    def stage(self, name: str) -> AbstractContextManager[object]:
        """Return a context manager that times one stage: decode, store, ..."""
        return self._seconds.labels(name).time()

    def took(self, stage: str, seconds: float) -> None:
        """One stage of a batch took `seconds`."""
        self._seconds.labels(stage).observe(seconds)
