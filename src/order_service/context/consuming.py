"""The work of a consumer: the messages of one topic, batch by batch, until the process stops."""

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from kafka import KafkaConsumer
from kafka.errors import KafkaError

from order_service.http.health import Check
from order_service.infra.kafka import clients
from order_service.infra.kafka.batching import BatchLimits, BatchObserver
from order_service.infra.kafka.consumer import ConsumerLoop, Handler
from order_service.infra.kafka.member import GroupMember
from order_service.infra.kafka.progress import ConsumerProgress
from order_service.infra.kafka.timing import Timing
from order_service.infra.kafka.topic import Subscription, Topic
from order_service.infra.kafka.watchdog import Watchdog
from order_service.infra.retry import Retry
from order_service.infra.tracing.batches import BatchTracing
from order_service.metrics import BatchMetrics, ConsumerMetrics

from .brokers import create_topics, kafka_connection
from .checks import ConsumerCheck, RetryCheck, any_failing
from .process import Process

P = TypeVar("P")
Q = TypeVar("Q")

_MAX_POLL_INTERVAL = 300.0
"""Seconds between two polls after which the group thinks that we are stuck."""

_LINGER = 0.05
"""Seconds that brokers gather messages while they keep coming; one that comes alone is taken at
once. At 2,000 messages a second it halves the work."""

SHUTDOWN = 5.0
"""Seconds that the batch at hand gets when the process stops: less than supervisors wait."""

_QUIET_SHARE = 4
"""A broker's silence makes the process not ready after this part of the time after which the
watchdog ends it."""

_PROBES = 3
"""Times that brokers are asked before their silence counts."""


class Intake(NamedTuple):
    """What is consumed, and how much of it at once.

    Attributes:
        topic: What is read.
        group: The consumer group.
        topics: All topics that must exist.
        max_messages: Most messages of a batch.
        max_bytes: Most bytes of a batch; a single larger message is a batch of its own.
        first_batch: Messages that the first batch should have, if as many are waiting.
    """

    topic: str
    group: str
    topics: Sequence[Topic]
    max_messages: int
    max_bytes: int
    first_batch: int = 0

    @property
    def subscription(self) -> Subscription:
        """What is read, and as whom: names this consumption in metrics and traces."""
        return Subscription(self.topic, self.group)

    @property
    def limits(self) -> BatchLimits:
        """How much is taken at once."""
        return BatchLimits(self.max_messages, self.max_bytes, self.first_batch)


class Consumption(Generic[P]):
    """Implements :class:`contract.Work`. A process may have several, of different topics or groups.

    Args:
        process: The process that it is the work of.
        intake: What is consumed.
        handler: What is done with a batch.
        retries: The backends that the handler waits for: readiness and watchdog look at them.
    """

    def __init__(
        self, process: Process, intake: Intake, handler: Handler[P], retries: Sequence[Retry]
    ) -> None:
        self._process = process
        self._settings = process.config.kafka
        self._intake = intake
        self._handler = handler
        self._connecting = process.retry("kafka", self._settings.retry, KafkaError)
        self._retries = [self._connecting, *retries]
        registry, subscription = process.registry, intake.subscription
        self._batches = BatchMetrics(registry, subscription)
        self._progress = ConsumerProgress(ConsumerMetrics(registry, subscription))

    @property
    def checks(self) -> Sequence[Check]:
        """Whether messages come in, and whether a backend is being waited for."""
        consumer = ConsumerCheck(self._progress, self._fetch_age_limit)
        return [consumer, *map(RetryCheck, self._retries)]

    @property
    def _fetch_age_limit(self) -> float:
        """Seconds without an answer of a broker that count as trouble."""
        return self._settings.stall_timeout / _QUIET_SHARE

    def run(self) -> None:
        """See :meth:`contract.Work.run`."""
        if self._settings.create_topics:
            self._connecting.call(lambda: create_topics(self._settings, self._intake.topics))
        tracer = self._process.tracer
        if tracer is None:
            self._consume(self._handler, self._batches)
            return
        traced = BatchTracing(self._handler, self._batches, tracer, self._intake.subscription)
        self._consume(traced, traced)

    def _consume(self, handler: Handler[Q], batches: BatchObserver) -> None:
        """Read until the process is stopping; the loop leaves the group at its end."""
        consumer = self._connecting.call(self._open_consumer)
        self._watch()
        ConsumerLoop(
            GroupMember(consumer, self._intake.topic, self._progress, self._timing()),
            handler,
            batches,
            self._process.stopping,
            self._intake.limits,
        ).run()

    def _open_consumer(self) -> KafkaConsumer:
        membership = clients.Membership(
            self._intake.group,
            max_poll_records=self._intake.max_messages,
            fetch_max_bytes=self._intake.max_bytes,
            session_timeout=self._settings.session_timeout,
            max_poll_interval=_MAX_POLL_INTERVAL,
        )
        return clients.open_consumer(kafka_connection(self._settings), membership)

    def _watch(self) -> None:
        """Have the process ended when nothing moves though no backend is away."""
        Watchdog(
            self._progress,
            self._settings.stall_timeout,
            waiting=lambda: any_failing(self._retries),
        ).start(self._process.stopping)

    def _timing(self) -> Timing:
        often, usual = self._fetch_age_limit / _PROBES, Timing()
        return usual._replace(
            linger=_LINGER,
            lag_probe=min(usual.lag_probe, often),
            probe_timeout=min(usual.probe_timeout, often),
            shutdown=SHUTDOWN,
        )
