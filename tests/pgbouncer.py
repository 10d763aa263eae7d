"""PgBouncer, as Debian has it, in front of a Postgres server."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from order_service.embedded import unprivileged
from order_service.embedded.ports import HOST, Port
from order_service.embedded.server import ServerProcess
from tests.programs import program
from tests.servers import started


class PgBouncer(ServerProcess):
    """Pools the connections of both roles of a database.

    Args:
        folder: Of its configuration and its log.
        behind: The environment of the database that is pooled.
        settings: Of the section ``pgbouncer``, such as ``pool_mode``.

    Attributes:
        settings: Those; what is changed counts from the next start.
    """

    def __init__(self, folder: Path, behind: Mapping[str, str], **settings: str) -> None:
        super().__init__("pgbouncer", folder, start_timeout=20.0)
        self._program = program("pgbouncer", "pgbouncer")
        self._port = Port(None)
        self._behind = behind
        self.settings = settings

    def environment(self) -> dict[str, str]:
        """The database's environment, with the address of the pooler."""
        return {**self._behind, "POSTGRES_HOST": HOST, "POSTGRES_PORT": str(self._port.number)}

    def reload(self, **settings: str) -> None:
        """Change settings while clients are connected; counts a moment later."""
        self.settings.update(settings)
        (self._folder / "pgbouncer.ini").write_text(self._configuration())
        assert self.pid
        os.kill(self.pid, signal.SIGHUP)

    def _command(self) -> list[str]:
        self._port.claim()
        file, users = self._folder / "pgbouncer.ini", self._users
        users.write_text("".join(f'"{name}" "{password}"\n' for name, password in self._logins()))
        file.write_text(self._configuration())
        command = [self._program, str(file)]
        if not unprivileged.is_root():
            return command
        user = unprivileged.hand_over(self._folder)
        return unprivileged.as_user(user, command, [file, users], self.orphan_signal)

    def _logins(self) -> list[tuple[str, str]]:
        return [
            (self._behind[f"POSTGRES_{role}USER"], self._behind[f"POSTGRES_{role}PASSWORD"])
            for role in ("", "ADMIN_")
        ]

    @property
    def _users(self) -> Path:
        return self._folder / "users.txt"

    def _configuration(self) -> str:
        settings = {
            "listen_addr": HOST,
            "listen_port": str(self._port.number),
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": str(self._users),
            "max_client_conn": "1000",
            **self.settings,
        }
        lines = [f"{name} = {value}" for name, value in settings.items()]
        address = f"host={self._behind['POSTGRES_HOST']} port={self._behind['POSTGRES_PORT']}"
        return "\n".join(["[databases]", f"* = {address}", "[pgbouncer]", *lines, ""])

    def _answers(self) -> bool:
        user, password = self._logins()[1]
        dsn = make_conninfo(
            host=HOST,
            port=self._port.number,
            dbname=self._behind["POSTGRES_DB"],
            user=user,
            password=password,
            connect_timeout=2,
        )
        try:
            psycopg.connect(dsn).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def pooled(folder: Path, behind: Mapping[str, str], **settings: str) -> Iterator[PgBouncer]:
    """PgBouncer before a database; its folder is one that other users reach."""
    with started(PgBouncer(folder / "pgbouncer", behind, **settings)) as server:
        yield server
