"""The work of a relay: the outbox of one context, until the process stops."""

from collections.abc import Callable, Collection, Sequence

from kafka.errors import KafkaError

from order_service.http.health import Check
from order_service.infra.kafka import clients
from order_service.infra.kafka.topic import Topic
from order_service.infra.postgres.faults import UnavailableError
from order_service.infra.postgres.session import Session
from order_service.messaging.errors import TopicsUnavailableError
from order_service.messaging.metrics import OutboxMetrics
from order_service.messaging.outbox.kafka_topics import KafkaTopics
from order_service.messaging.outbox.ports import Topics
from order_service.messaging.outbox.postgres_lease import PostgresLease
from order_service.messaging.outbox.relay import Relay, Retries
from order_service.messaging.outbox.tracing import TracedTopics

from . import backends
from .brokers import create_topics, kafka_connection, make_producer
from .checks import RetryCheck
from .process import Process


class Relaying:
    """Implements :class:`contract.Work`: publishes the messages of one outbox.

    Args:
        process: The process that it is the work of.
        schema: The schema of the context whose outbox it is.
        topics: All topics that must exist.
        through: Puts something in front of where the messages go, such as another format.
    """

    def __init__(
        self,
        process: Process,
        schema: str,
        topics: Sequence[Topic],
        through: Callable[[Topics], Topics] = lambda topics: topics,
    ) -> None:
        self._process = process
        self._schema = schema
        self._topics = topics
        self._through = through
        config = process.config
        self._settings = config.kafka
        self._database = backends.primary(config, 1).settings
        self._reading = process.retry("postgres", config.postgres.retry, UnavailableError)
        self._publishing = process.retry("kafka", config.kafka.retry, TopicsUnavailableError)

    @property
    def checks(self) -> Sequence[Check]:
        """Whether a backend is being waited for."""
        return [RetryCheck(self._reading), RetryCheck(self._publishing)]

    def run(self) -> None:
        """See :meth:`contract.Work.run`."""
        if self._settings.create_topics:
            self._publishing.call(self._create_topics)
        Relay(
            self._open_lease,
            self._open_topics(),
            Retries(self._reading, self._publishing),
            OutboxMetrics(self._process.registry, self._schema),
            self._process.stopping,
        ).run()

    def _open_topics(self) -> Topics:
        topics = self._through(KafkaTopics(make_producer(self._process.config), self._existing))
        tracer = self._process.tracer
        return TracedTopics(topics, tracer) if tracer else topics

    def _create_topics(self) -> None:
        try:
            create_topics(self._settings, self._topics)
        except KafkaError as error:
            raise TopicsUnavailableError(repr(error)) from error

    def _open_lease(self) -> PostgresLease:
        database = self._database
        session = Session(database.conninfo, database.call_timeout, database.session)
        try:
            return PostgresLease(session, self._schema)
        except BaseException:
            session.close()
            raise

    def _existing(self) -> Collection[str]:
        admin = clients.open_admin(kafka_connection(self._settings))
        try:
            names: Collection[str] = admin.list_topics()
        finally:
            admin.close()
        return names
