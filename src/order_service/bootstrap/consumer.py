"""The consumer process: from Kafka to Postgres, with its own small metrics server."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import TypeVar

import structlog
from kafka.errors import KafkaError

from order_service.config import Config, Kafka
from order_service.contexts.orders.dead_letters import KafkaDeadLetters
from order_service.contexts.orders.errors import (
    DeadLettersUnavailableError,
    StorageUnavailableError,
)
from order_service.contexts.orders.ingest import Ingest
from order_service.contexts.orders.postgres import PostgresOrders
from order_service.contexts.orders.rejections import RejectionLimit
from order_service.http.health import Readiness
from order_service.http.operations import serve_operations
from order_service.infra.kafka import clients as kafka_clients
from order_service.infra.kafka.consumer import ConsumerLoop, Handler, Timing
from order_service.infra.kafka.producer import AcknowledgedProducer
from order_service.infra.kafka.progress import BatchObserver, ConsumerProgress
from order_service.infra.kafka.topics import ensure_topics
from order_service.infra.kafka.watchdog import Watchdog
from order_service.infra.memory import share_one_arena
from order_service.infra.retry import Retry, StoppedError
from order_service.infra.tracing.batches import BatchTracing, Subscription
from order_service.infra.tracing.sending import TracedProducer
from order_service.metrics import Metrics

from .backends import connect_redis, make_cache, make_retry, open_database
from .brokers import kafka_connection, letter_limit, open_letter_producer
from .checks import ConsumerCheck, RetryCheck, any_failing
from .tracing import open_tracer

P = TypeVar("P")

_log = structlog.get_logger(__name__)

_SWITCH_INTERVAL = 0.0002
"""Seconds for which one thread keeps the interpreter while others want it.

The lanes want it after each answer of the database, for a moment; the thread that decodes wants
nothing else. With Python's 5 ms they, and the database, would mostly wait for that thread.
"""


class ConsumerProcess:
    """One consumer with all that it needs; made and run in the main thread."""

    def __init__(self, config: Config, stopping: threading.Event) -> None:
        self._config = config
        self._stopping = stopping
        self._metrics = metrics = Metrics()
        self._progress = ConsumerProgress()
        kafka, storage = config.kafka.retry, config.postgres.retry
        self._connecting = make_retry("kafka", kafka, KafkaError, stopping, metrics)
        self._storing = make_retry("postgres", storage, StorageUnavailableError, stopping, metrics)
        self._burying = make_retry(
            "dead-letters", kafka, DeadLettersUnavailableError, stopping, metrics
        )
        self._connection = kafka_connection(config)
        self._ingest = self._make_ingest()

    @property
    def _retries(self) -> tuple[Retry, ...]:
        return self._connecting, self._storing, self._burying

    def _make_ingest(self) -> Ingest:
        config, metrics = self._config, self._metrics
        publishing = TracedProducer if config.tracing.endpoint else AcknowledgedProducer
        producer = publishing(lambda: open_letter_producer(config))
        limit = config.kafka.rejection_limit
        return Ingest(
            repository=PostgresOrders(open_database(config, metrics)),
            cache=make_cache(config, connect_redis(config), metrics),
            dead_letters=KafkaDeadLetters(producer, config.kafka.dead_letter_topic),
            observer=metrics.ingest,
            storage_retry=self._storing,
            dead_letter_retry=self._burying,
            rejection_limit=RejectionLimit(limit.share, limit.window),
            max_message_bytes=config.kafka.max_message_bytes,
            lanes=config.kafka.batch.lanes,
        )

    def run(self) -> None:
        """Consume until `stopping` is set.

        Raises:
            StoppedError: It was set before the brokers could be reached.
        """
        with self._operations():
            if self._config.kafka.create_topics:
                self._connecting.call(self._ensure_topics)
            self._consume()

    def _consume(self) -> None:
        tracer, batches = open_tracer(self._config), self._metrics.batch
        if tracer is None:
            self._loop(self._ingest, batches).run()
            return
        subscription = Subscription(self._config.kafka.topic, self._config.kafka.group_id)
        traced = BatchTracing(self._ingest, batches, tracer, subscription)
        with contextlib.closing(tracer):
            self._loop(traced, traced).run()

    @contextlib.contextmanager
    def _operations(self) -> Iterator[None]:
        """Serve metrics and health for the length of the block, unless the port is 0."""
        settings = self._config.metrics
        if settings.consumer_port == 0:
            yield
            return
        readiness = Readiness(self._checks())
        operations = serve_operations(
            settings.consumer_host, settings.consumer_port, self._metrics.registry, readiness
        )
        _log.info("metrics and health are served", port=operations.port)
        try:
            yield
        finally:
            operations.close()

    def _checks(self) -> list[ConsumerCheck | RetryCheck]:
        consumer = ConsumerCheck(self._progress, self._config.kafka.fetch_age_limit)
        return [consumer, *map(RetryCheck, self._retries)]

    def _ensure_topics(self) -> None:
        admin = kafka_clients.open_admin(self._connection)
        try:
            ensure_topics(admin, self._topics())
        finally:
            admin.close()

    def _topics(self) -> Mapping[str, Mapping[str, object]]:
        settings = self._config.kafka
        # Room for the largest order with its envelope; a dead letter of it carries headers, too.
        options = {
            "num_partitions": settings.partitions,
            "replication_factor": settings.replication_factor,
            "configs": {"max.message.bytes": str(letter_limit(self._config))},
        }
        return {settings.topic: options, settings.dead_letter_topic: options}

    def _loop(self, handler: Handler[P], batches: BatchObserver) -> ConsumerLoop[P]:
        settings = self._config.kafka
        membership = kafka_clients.Membership(
            settings.group_id,
            max_poll_records=settings.batch.max_messages,
            fetch_max_bytes=settings.batch.max_bytes,
            session_timeout=settings.session_timeout,
            max_poll_interval=settings.max_poll_interval,
        )
        consumer = self._connecting.call(
            lambda: kafka_clients.open_consumer(self._connection, membership)
        )
        self._watch()
        return ConsumerLoop(
            consumer,
            settings.topic,
            handler,
            progress=self._progress,
            observer=self._metrics.consumer,
            batches=batches,
            stopping=self._stopping,
            max_bytes=settings.batch.max_bytes,
            first_batch=settings.rejection_limit.window,
            timing=_timing(settings),
        )

    def _watch(self) -> None:
        Watchdog(
            self._progress,
            self._config.kafka.stall_timeout,
            waiting=lambda: any_failing(self._retries),
            on_stall=self._metrics.consumer.stalled,
        ).start(self._stopping)


def _timing(settings: Kafka) -> Timing:
    """Return the loop's times; brokers are asked three times before their silence counts."""
    often = settings.fetch_age_limit / 3
    usual = Timing()
    return usual._replace(
        linger=settings.batch.linger,
        lag_probe=min(usual.lag_probe, often),
        probe_timeout=min(usual.probe_timeout, often),
        shutdown=settings.shutdown_timeout,
    )


def run_consumer(config: Config) -> int:
    """Consume until SIGTERM or SIGINT; return the exit code."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    share_one_arena()
    sys.setswitchinterval(_SWITCH_INTERVAL)
    try:
        ConsumerProcess(config, stopping).run()
    except StoppedError:
        _log.info("stopped while waiting for a backend")
    except OSError as error:
        _log.critical("the consumer cannot start", error=str(error))
        return 1
    return 0
