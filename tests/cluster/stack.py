"""A service on the cluster."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from order_service.embedded.server import KafkaServer
from order_service.embedded.valkey import ValkeyServer
from tests.backends import migrator_of
from tests.chaos.stack import IMPATIENT, ServiceStack
from tests.cluster.cluster import Cluster

# What an operator leaves as it is: the times that are promised are those of the usual settings.
USUAL = {
    name: value
    for name, value in IMPATIENT.items()
    if not name.startswith(("POSTGRES_", "KAFKA_STALL"))
}


class ClusterStack(ServiceStack):
    """A service that finds its primary itself, or is told one address of it.

    Attributes:
        cluster: Holds its database.
    """

    def __init__(
        self, folder: Path, cluster: Cluster, valkey: ValkeyServer, kafka: KafkaServer
    ) -> None:
        super().__init__(folder, valkey, kafka, USUAL)
        self.cluster = cluster
        self._database = self.topic

    def database(self) -> Mapping[str, str]:
        """See `ServiceStack`."""
        return {**self.cluster.environment(), "POSTGRES_DB": self._database}

    @property
    def dsn(self) -> str:
        """See `ServiceStack`: of whoever leads."""
        return self.cluster.admin_dsn(self._database)

    def migrate(self) -> None:
        """See `ServiceStack`; the database is made first."""
        with psycopg.connect(self.cluster.admin_dsn(), autocommit=True) as admin:
            name = sql.Identifier(self._database)
            admin.execute(sql.SQL("CREATE DATABASE {}").format(name))
        with migrator_of(self.environ()) as migrator:
            migrator.up()


@contextlib.contextmanager
def running_service(folder: Path, cluster: Cluster, kafka: KafkaServer) -> Iterator[ClusterStack]:
    """Start Valkey; a new database of the cluster is migrated, no process runs yet."""
    valkey = ValkeyServer(folder / "valkey")
    with contextlib.ExitStack() as exits:
        exits.callback(valkey.kill)
        valkey.start()
        stack = ClusterStack(folder, cluster, valkey, kafka)
        exits.enter_context(stack.valkey_proxy)
        exits.callback(stack.clean_up)
        stack.migrate()
        yield stack
