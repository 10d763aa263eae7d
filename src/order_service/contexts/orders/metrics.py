"""What ingest makes of the messages, and where lookups are answered."""

import collections
from collections.abc import Callable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge

from order_service.messaging.ports import DeadLetter
from order_service.metrics import PREFIX, starting_at_zero
from order_service.metrics.tally import Tally

from .ports import Level, Outcome


class IngestMetrics:
    """What became of the messages. Implements :class:`ports.IngestObserver`."""

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


class LookupMetrics:
    """Where lookups are answered. Implements :class:`ports.LookupObserver`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # local and hit over all is the hit ratio; misses are the load on Postgres.
        requests = Counter(
            f"{PREFIX}_cache_requests_total",
            "Lookups by where they were answered: local, hit (Redis) or miss (Postgres)",
            ["level"],
            registry=registry,
        )
        self._by_level = {level: requests.labels(level) for level in Level}
        self.in_loop = {level: _tally(counter) for level, counter in self._by_level.items()}
        self._warmed = Gauge(
            f"{PREFIX}_warm_up_orders",
            "Orders that the warm-up has cached",
            multiprocess_mode="max",
            registry=registry,
        )
        self._warm = Gauge(
            f"{PREFIX}_warm_up_done",
            "1 when the warm-up has cached all that it was asked for",
            multiprocess_mode="max",
            registry=registry,
        )

    def looked_up(self, level: Level) -> None:
        """One lookup was answered from `level`."""
        self._by_level[level].inc()

    def warmed(self, done: int, total: int) -> None:
        """The warm-up has cached `done` of at most `total` orders."""
        self._warmed.set(done)
        self._warm.set(done >= total)


def _tally(counter: Counter) -> Callable[[], None]:
    return Tally(lambda count, _: counter.inc(count)).add
