"""HAProxy in front of the cluster, for those who are told one address."""

import contextlib
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from order_service.embedded.ports import HOST, Port
from order_service.embedded.server import ServerProcess, program
from tests.builders import ROOT
from tests.cluster.member import Member

CONFIGURATION = ROOT / "deploy/patroni/haproxy.cfg"


class Balancer(ServerProcess):
    """The balancer of deploy/patroni/."""

    def __init__(self, folder: Path, members: Sequence[Member]) -> None:
        super().__init__("haproxy", folder, 20.0)
        self._members = members
        self._ports = {name: Port(None) for name in ("PRIMARY", "STANDBYS", "METRICS")}

    def environment(self) -> dict[str, str]:
        """What the service is told."""
        return {
            "POSTGRES_HOST": HOST,
            "POSTGRES_PORT": str(self._ports["PRIMARY"].number),
            "POSTGRES_READ_HOST": f"{HOST}:{self._ports['STANDBYS'].number}",
        }

    def _command(self) -> Sequence[str]:
        words = [f"{name}={value}" for name, value in self._places().items()]
        return ["env", *words, program("haproxy"), "-db", "-f", str(CONFIGURATION)]

    def _places(self) -> Mapping[str, str]:
        binds = {name: f"{HOST}:{port.claim()}" for name, port in self._ports.items()}
        members = list(enumerate(self._members, 1))
        servers = {f"PG_{number}": f"{HOST}:{member.port}" for number, member in members}
        return binds | servers | {f"REST_{number}": member.rest for number, member in members}

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection((HOST, self._ports["PRIMARY"].number), 1).close()
            return True
        return False
