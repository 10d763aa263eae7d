"""An embedded Apache Kafka of one or more nodes, its data kept from start to start."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import KafkaError, RetriableError, UnknownBrokerIdError

from order_service.embedded.apache_kafka import class_archive
from order_service.embedded.apache_kafka.broker import JAVA_OPTIONS, KafkaBroker, Security
from order_service.embedded.processes import EmbeddedServerError

_RETRY_SECONDS = 0.1
_CLIENT_MS = 15_000
_START_SECONDS = 90.0

_NOT_YET = (RetriableError, UnknownBrokerIdError)
"""What passes: nodes learn of each other, and of who leads them, one after another."""


class ApacheKafka:
    """A `KafkaServer` of real brokers on 127.0.0.1.

    Topics are created only by `topics` and `create_topic`. With three brokers every topic has three
    replicas of which two must be in sync.

    Attributes:
        brokers: the nodes, each a `Server` of its own, to kill, hang and start again one by one.
    """

    def __init__(  # noqa: PLR0913 - each but the folder has a default
        self,
        data_dir: Path,
        brokers: int = 1,
        topics: Mapping[str, int] | None = None,
        *,
        java_options: Sequence[str] = JAVA_OPTIONS,
        start_timeout: float = _START_SECONDS,
        security: Security = Security(),  # noqa: B008 - immutable
    ) -> None:
        """Nothing is started or written yet.

        Args:
            data_dir: for data and logs; it belongs to a cluster of this size for good.
            brokers: number of nodes; each is broker and controller.
            topics: name to number of partitions; created at a start if they do not exist.
            java_options: of each node's virtual machine.
            start_timeout: seconds, without the time that Maven may need the first time.
            security: listeners with TLS or SASL, beside the plain one of each node.
        """
        nodes = range(1, brokers + 1)
        self.brokers = [
            KafkaBroker(node, data_dir / f"node-{node}", java_options, start_timeout, security)
            for node in nodes
        ]
        for broker in self.brokers:
            broker.peers = self.brokers
        self._topics = dict(topics or {})
        self._start_timeout = start_timeout

    @property
    def name(self) -> str:
        """See `Server`."""
        return "kafka"

    @property
    def pid(self) -> int | None:
        """Pid of the first node; see `Server`."""
        return self.brokers[0].pid

    @property
    def bootstrap_servers(self) -> str:
        """See `KafkaServer`."""
        return ",".join(broker.address for broker in self.brokers)

    def secured_servers(self, protocol: str) -> str:
        """Return the addresses of the listeners with this protocol, separated by commas."""
        return ",".join(broker.secured_address(protocol) for broker in self.brokers)

    def environment(self) -> dict[str, str]:
        """See `Server`."""
        return {"KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers}

    def alive(self) -> bool:
        """Whether all nodes run; see `Server`."""
        return all(broker.alive() for broker in self.brokers)

    def start(self) -> None:
        """Start the nodes that do not run, and wait until they know each other; see `Server`."""
        class_archive.ensure(_live_once)
        deadline = time.monotonic() + self._start_timeout
        for broker in self.brokers:
            if not broker.alive():
                broker.claim_ports()
        self._each(KafkaBroker.start)
        with self._admin() as admin:
            self._await_all_brokers(admin, deadline)
        while not self._has_topics(deadline):
            time.sleep(_RETRY_SECONDS)

    def stop(self, timeout: float = 10.0) -> None:
        """See `Server`; all nodes at the same time."""
        self._each(lambda broker: broker.stop(timeout))

    def kill(self) -> None:
        """See `Server`."""
        self._each(KafkaBroker.kill)

    def suspend(self) -> None:
        """See `Server`."""
        self._each(KafkaBroker.suspend)

    def resume(self) -> None:
        """See `Server`."""
        self._each(KafkaBroker.resume)

    def create_topic(self, name: str, partitions: int = 1) -> None:
        """See `KafkaServer`."""
        with self._admin() as admin:
            self._create(admin, {name: partitions})

    def await_in_sync(self, timeout: float = 60.0) -> None:
        """Block until all nodes are members and every replica of every partition is in sync.

        That is when another node may fail without loss or standstill. `timeout` is in seconds.

        Raises:
            EmbeddedServerError: it does not come to that in time.
        """
        deadline = time.monotonic() + timeout
        with self._admin() as admin:
            self._await_all_brokers(admin, deadline)
            while not _in_sync(admin.describe_topics()):
                if time.monotonic() > deadline:
                    raise EmbeddedServerError("not all replicas came in sync")
                time.sleep(_RETRY_SECONDS)

    def _has_topics(self, deadline: float) -> bool:
        """Create the topics that are missing; return whether that could be done already."""
        try:
            with self._admin() as admin:
                missing = self._topics.keys() - set(admin.list_topics())
                self._create(admin, {name: self._topics[name] for name in missing})
        except EmbeddedServerError as error:
            if time.monotonic() > deadline or not isinstance(error.__cause__, _NOT_YET):
                raise
            return False
        return True

    def _create(self, admin: KafkaAdminClient, topics: Mapping[str, int]) -> None:
        if topics:
            wanted = {name: {"num_partitions": number} for name, number in topics.items()}
            admin.create_topics(wanted, wait_for_metadata=True)

    def _await_all_brokers(self, admin: KafkaAdminClient, deadline: float) -> None:
        while len(admin.describe_cluster()["brokers"]) < len(self.brokers):
            if time.monotonic() > deadline:
                raise EmbeddedServerError("not all Kafka brokers found each other")
            time.sleep(_RETRY_SECONDS)

    @contextlib.contextmanager
    def _admin(self) -> Iterator[KafkaAdminClient]:
        try:
            admin = KafkaAdminClient(
                bootstrap_servers=self.bootstrap_servers, bootstrap_timeout_ms=_CLIENT_MS
            )
            with contextlib.closing(admin):
                yield admin
        except KafkaError as error:
            raise EmbeddedServerError(f"Kafka refuses: {error}") from error

    def _each(self, action: Callable[[KafkaBroker], None]) -> None:
        """Do `action` on all nodes at the same time: together they start, vote and stop."""
        with ThreadPoolExecutor(len(self.brokers)) as pool:
            list(pool.map(action, self.brokers))


def _live_once(java_option: str) -> None:
    """Start and stop a broker that keeps nothing."""
    with tempfile.TemporaryDirectory() as folder:
        broker = KafkaBroker(1, Path(folder), [*JAVA_OPTIONS, java_option], _START_SECONDS)
        broker.start()
        broker.stop(_START_SECONDS)


def _in_sync(topics: list[dict[str, Any]]) -> bool:
    partitions = [partition for topic in topics for partition in topic["partitions"]]
    return all(len(each["isr_nodes"]) == len(each["replica_nodes"]) for each in partitions)
