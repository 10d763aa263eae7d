"""The etcd in which the members of a cluster elect their primary."""

import urllib.request
from collections.abc import Sequence
from pathlib import Path

from order_service.embedded.ports import HOST, Port
from order_service.embedded.server import ServerProcess, program


class EtcdServer(ServerProcess):
    """One etcd, without a cluster of its own: it is not what these tests are about."""

    def __init__(self, folder: Path) -> None:
        super().__init__("etcd", folder, 30.0)
        self._client, self._peer = Port(None), Port(None)

    @property
    def port(self) -> int:
        """TCP port of its clients; valid after a start."""
        return self._client.number

    def environment(self) -> dict[str, str]:
        """See `Server`; the service knows nothing of it."""
        return {}

    def _command(self) -> Sequence[str]:
        client, peer = (f"http://{HOST}:{port.claim()}" for port in (self._client, self._peer))
        options = {
            "name": "etcd",
            "data-dir": str(self._folder / "data"),
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"etcd={peer}",
            "log-level": "warn",
            # A disk that is slow for a moment is not what is tested.
            "heartbeat-interval": "500",
            "election-timeout": "5000",
        }
        return [program("etcd"), *(f"--{name}={value}" for name, value in options.items())]

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.port}/health", timeout=1) as answer:
                return b'"true"' in answer.read()
        except OSError:
            return False
