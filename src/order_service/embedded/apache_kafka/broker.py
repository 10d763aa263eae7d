"""One node of an embedded Apache Kafka: broker and controller in one process, without ZooKeeper."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from order_service.embedded.apache_kafka import class_archive, jars
from order_service.embedded.kafka_probe import answers_kafka
from order_service.embedded.ports import HOST, Port
from order_service.embedded.server import ServerProcess

# Fixed, so that a data folder always fits: 16 bytes in base64url, as Kafka wants it.
CLUSTER_ID = "b3JkZXItc2VydmljZS1rYQ"
JAVA_OPTIONS = ("-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_LOG4J = Path(__file__).parent / "log4j2.properties"
_MAX_REPLICAS = 3


class Security(NamedTuple):
    """Listeners beside the plain one.

    Attributes:
        protocols: `SSL`, `SASL_SSL` or `SASL_PLAINTEXT`, a listener for each.
        properties: of server.properties: certificates, mechanisms, logins.
    """

    protocols: Sequence[str] = ()
    properties: Mapping[str, str] = {}


class KafkaBroker(ServerProcess):
    """A node of an `ApacheKafka`, to be killed, hung and started again by itself."""

    def __init__(
        self,
        node_id: int,
        data_dir: Path,
        java_options: Sequence[str],
        start_timeout: float,
        security: Security = Security(),  # noqa: B008 - immutable
    ) -> None:
        """The cluster tells it its `peers` before the first start."""
        super().__init__(f"kafka-{node_id}", data_dir, start_timeout)
        self.node_id = node_id
        self.peers: Sequence[KafkaBroker] = [self]
        self.broker_port = Port()
        self.controller_port = Port()
        self._security = security
        self._secured_ports = {protocol: Port() for protocol in security.protocols}
        self._java_options = java_options
        self._logs = self._folder / "logs"
        self._properties = self._folder / "server.properties"

    @property
    def address(self) -> str:
        """`host:port` for clients; valid after a start."""
        return f"{HOST}:{self.broker_port.number}"

    def secured_address(self, protocol: str) -> str:
        """`host:port` of the listener with this protocol; valid after a start."""
        return f"{HOST}:{self._secured_ports[protocol].number}"

    @property
    def voter(self) -> str:
        """How the other controllers reach this one."""
        return f"{self.node_id}@{HOST}:{self.controller_port.number}"

    def environment(self) -> dict[str, str]:
        """See `Server`."""
        return {"KAFKA_BOOTSTRAP_SERVERS": self.address}

    def claim_ports(self) -> None:
        """Claim the ports of the next start; all nodes' come before the first node starts."""
        self.broker_port.claim()
        self.controller_port.claim()
        for port in self._secured_ports.values():
            port.claim()

    def _prepare(self) -> None:
        jars.fetch()
        if not (self._logs / "meta.properties").exists():
            self.claim_ports()
            self._write_properties()
            storage = ["format", "--cluster-id", CLUSTER_ID, "--config", str(self._properties)]
            self._run_tool(self._java("kafka.tools.StorageTool", *storage))

    def _command(self) -> list[str]:
        self.claim_ports()
        self._write_properties()
        return self._java("kafka.Kafka", str(self._properties))

    def _answers(self) -> bool:
        return answers_kafka(self.broker_port.number)

    def _java(self, main_class: str, *arguments: str) -> list[str]:
        log4j = f"-Dlog4j2.configurationFile={_LOG4J}"
        crash = [f"-XX:ErrorFile={self._folder}/java-crash.log", "-XX:-UsePerfData"]
        shared = class_archive.options()
        options = [*self._java_options, *shared, *crash, log4j, "-cp", f"{jars.jars_folder()}/*"]
        return [jars.java(), *options, main_class, *arguments]

    def _write_properties(self) -> None:
        settings = self._own_settings() | self._cluster_settings() | self._quick_settings()
        settings |= self._security.properties
        text = "".join(f"{key}={value}\n" for key, value in settings.items())
        self._properties.write_text(text)

    def _own_settings(self) -> dict[str, str]:
        controller = f"CONTROLLER://{HOST}:{self.controller_port.number}"
        protocols = self._secured_ports
        secured = [f"{each}://{self.secured_address(each)}" for each in protocols]
        clients = ",".join([f"PLAINTEXT://{self.address}", *secured])
        names = ["PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT", *(f"{p}:{p}" for p in protocols)]
        return {
            "process.roles": "broker,controller",
            "node.id": str(self.node_id),
            "listeners": f"{clients},{controller}",
            "advertised.listeners": clients,
            "inter.broker.listener.name": "PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": ",".join(names),
            "controller.quorum.voters": ",".join(peer.voter for peer in self.peers),
            "log.dirs": str(self._logs).replace("\\", "\\\\"),
        }

    def _cluster_settings(self) -> dict[str, str]:
        replicas = min(_MAX_REPLICAS, len(self.peers))
        # With three replicas one may be away and acks=all still means two copies.
        in_sync = max(1, replicas - 1)
        return {
            "auto.create.topics.enable": "false",
            "default.replication.factor": str(replicas),
            "min.insync.replicas": str(in_sync),
            "offsets.topic.replication.factor": str(replicas),
            "transaction.state.log.replication.factor": str(replicas),
            "transaction.state.log.min.isr": str(in_sync),
            "share.coordinator.state.topic.replication.factor": str(replicas),
            "share.coordinator.state.topic.min.isr": str(in_sync),
        }

    @staticmethod
    def _quick_settings() -> dict[str, str]:
        """Settings for one machine: few internal partitions, faults noticed within seconds."""
        return {
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.num.partitions": "4",
            "share.coordinator.state.topic.num.partitions": "4",
            "group.initial.rebalance.delay.ms": "0",
            "broker.heartbeat.interval.ms": "500",
            "broker.session.timeout.ms": "4000",
            "num.network.threads": "2",
            "num.io.threads": "4",
            "background.threads": "2",
            # A test that kills a consumer waits for the end of its session.
            "group.min.session.timeout.ms": "1000",
            "log.cleaner.dedupe.buffer.size": "16777216",
        }
