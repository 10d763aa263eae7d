"""A Kafka without Java: librdkafka's built-in mock broker, good for a demo and a first look.

Its limits: all is in memory and gone with a restart; of each partition only the newest 5 MiB are
kept, silently; no transactions, no admin requests, no true timestamps. So a topic that takes bursts
needs many partitions. kafka-python does not find out its version and must be told, consumers and
producers alike; `environment` says it to the service.
"""

import os
import select
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from order_service.embedded.kafka_probe import answers_kafka
from order_service.embedded.launching import Output
from order_service.embedded.ports import HOST, Port
from order_service.embedded.processes import ChildProcess, EmbeddedServerError
from order_service.embedded.server import ServerProcess

API_VERSION = "2.3"
_REPLY_SECONDS = 5.0
_SOURCES = Path(__file__).parents[2]


class MockKafka(ServerProcess):
    """One mock broker on 127.0.0.1, in a process of its own."""

    output: ClassVar[Output] = Output.DIALOG

    def __init__(
        self,
        data_dir: Path,
        topics: Mapping[str, int],
        port: int | None = None,
        *,
        start_timeout: float = 20.0,
    ) -> None:
        """Nothing is started or written yet.

        Args:
            data_dir: for its log.
            topics: name to number of partitions; they are there, and empty, after every start.
            port: None is any free one.
            start_timeout: seconds.
        """
        super().__init__("mock-kafka", data_dir, start_timeout)
        self._topics = dict(topics)
        self._port = Port(port)

    @property
    def bootstrap_servers(self) -> str:
        """See `KafkaServer`."""
        return f"{HOST}:{self._port.number}"

    def environment(self) -> dict[str, str]:
        """See `Server`."""
        servers = self.bootstrap_servers
        return {
            "KAFKA_BOOTSTRAP_SERVERS": servers,
            "KAFKA_API_VERSION": API_VERSION,
            # Whoever joins again waits for a session timeout here, even after a clean leave.
            "KAFKA_SESSION_TIMEOUT": "3",
        }

    def create_topic(self, name: str, partitions: int = 1) -> None:
        """See `KafkaServer`; the topic is forgotten with the next stop."""
        child = self._running()
        if child.handle.stdin is None:
            raise EmbeddedServerError(f"{self.name} has no pipe")
        try:
            child.handle.stdin.write(f"{name} {partitions}\n")
            child.handle.stdin.flush()
        except OSError as error:
            raise EmbeddedServerError(f"{self.name} does not run") from error
        if (code := self._reply(child)) != "0":
            raise EmbeddedServerError(f"topic {name} cannot be created: error {code}")

    def spawn(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> ChildProcess:
        """Start it where it can import this package, installed or not."""
        path = os.pathsep.join([str(_SOURCES), *filter(None, [os.environ.get("PYTHONPATH")])])
        return super().spawn(command, {**(environment or {}), "PYTHONPATH": path})

    def _command(self) -> list[str]:
        module = ["-m", "order_service.embedded.mock_cluster"]
        return [sys.executable, *module, str(self._port.claim()), str(self._folder)]

    def _answers(self) -> bool:
        return answers_kafka(self._port.number)

    def _complete(self) -> None:
        if (word := self._reply(self._running())) != "ready":
            raise EmbeddedServerError(f"{self.name} said {word}")
        for name, partitions in self._topics.items():
            self.create_topic(name, partitions)

    def _reply(self, child: ChildProcess) -> str:
        stdout = child.handle.stdout
        if stdout is None or not select.select([stdout], [], [], _REPLY_SECONDS)[0]:
            raise EmbeddedServerError(f"{self.name} does not answer")
        return stdout.readline().strip()
