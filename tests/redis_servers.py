"""Several Valkey servers that belong together: a master under Sentinel, and a cluster."""

from pathlib import Path
from typing import Any

from redis import Redis

from order_service.embedded.ports import HOST, free_port
from order_service.embedded.valkey import ValkeyServer

MASTER = "orders"
PATIENCE = {"REDIS_TIMEOUT": "0.5"}
"""For clients on a machine that has other things to do."""
SLOTS = 16384
QUICK_SYNC = ("--repl-diskless-sync-delay", "0")
"""A master waits 5 s by default for more replicas to send its data to."""


class Node(ValkeyServer):
    """A Valkey with options of its own."""

    def __init__(self, data_dir: Path, *options: str) -> None:
        super().__init__(data_dir)
        self._options = options

    @property
    def address(self) -> str:
        """`host:port`; valid after a start."""
        return f"{HOST}:{self.port}"

    def ask(self, *command: str | int) -> Any:  # noqa: ANN401 - whatever the command yields
        """Send one command; returns the answer as the server gives it."""
        with Redis(host=HOST, port=self.port, socket_timeout=5, protocol=2) as client:
            client.response_callbacks.clear()
            return client.execute_command(*command)

    def is_master(self) -> bool:
        """Whether it takes writes; False if it does not answer."""
        return self.alive() and b"master" in self.ask("ROLE")

    def links(self) -> int:
        """How many replicas have all of its data and get what is new."""
        info = self.ask("INFO", "replication")
        return str(info).count("state=online")

    def _command(self) -> list[str]:
        return [*super()._command(), *self._options]


class SentinelServer(Node):
    """A sentinel; notices within two seconds that the master is gone."""

    def __init__(self, data_dir: Path, master: Node, quorum: int) -> None:
        super().__init__(data_dir)
        self._master = master
        self._quorum = quorum

    def knows(self, sentinels: int, replicas: int) -> bool:
        """Whether it has found so many others and replicas of the master."""
        numbers = {"num-other-sentinels": sentinels, "num-slaves": replicas}
        words = [str(word, "utf-8") for word in self.ask("SENTINEL", "MASTER", MASTER)]
        state = dict(zip(words[::2], words[1::2], strict=True))
        return all(state.get(name) == str(number) for name, number in numbers.items())

    def _command(self) -> list[str]:
        program, *_ = super()._command()
        file = self._folder / "sentinel.conf"
        if not file.exists():  # it keeps there what it learns
            file.write_text(self._settings())
        return [program, str(file), "--sentinel"]

    def _settings(self) -> str:
        return "\n".join(
            [
                f"bind {HOST}",
                f"port {self.port}",
                f"dir {self._folder}",
                f"sentinel monitor {MASTER} {HOST} {self._master.port} {self._quorum}",
                f"sentinel down-after-milliseconds {MASTER} 1500",
                f"sentinel failover-timeout {MASTER} 3000",
            ]
        )


class ClusterNode(Node):
    """A node of a cluster; belongs to none at first."""

    def __init__(self, data_dir: Path) -> None:
        self.bus_port = free_port()
        bus = ("--cluster-port", str(self.bus_port))
        cluster = ("--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", *bus)
        quick = ("--cluster-node-timeout", "2500", "--cluster-replica-validity-factor", "0")
        super().__init__(data_dir, *cluster, *quick, *QUICK_SYNC)

    def node_id(self) -> str:
        """What the cluster calls it."""
        return str(self.ask("CLUSTER", "MYID"), "ascii")

    def meet(self, other: "ClusterNode") -> None:
        """Join the cluster of another node; the two get to know each other after the call."""
        self.ask("CLUSTER", "MEET", HOST, other.port, other.bus_port)

    def knows_node(self, node_id: str) -> bool:
        """Whether it has met another node of the cluster."""
        return node_id in str(self.ask("CLUSTER", "NODES"))

    def is_in_whole_cluster(self) -> bool:
        """Whether it sees four nodes, none of them failing, and all slots served."""
        info, nodes = str(self.ask("CLUSTER", "INFO")), str(self.ask("CLUSTER", "NODES"))
        return "cluster_state:ok" in info and "known_nodes:4" in info and "fail" not in nodes
