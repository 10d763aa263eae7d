"""A service on the cluster."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

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
        cluster: Its database.
    """

    def __init__(
        self, folder: Path, cluster: Cluster, valkey: ValkeyServer, kafka: KafkaServer
    ) -> None:
        super().__init__(folder, valkey, kafka, USUAL)
        self.cluster = cluster

    def database(self) -> Mapping[str, str]:
        """See `ServiceStack`."""
        return self.cluster.environment()

    @property
    def dsn(self) -> str:
        """See `ServiceStack`: of whoever leads."""
        return self.cluster.admin_dsn()

    def migrate(self) -> None:
        """See `ServiceStack`."""
        with migrator_of(self.environ()) as migrator:
            migrator.up()


@contextlib.contextmanager
def running_cluster(folder: Path, kafka: KafkaServer) -> Iterator[ClusterStack]:
    """Start the cluster and Valkey; the database is migrated, no process runs yet."""
    valkey = ValkeyServer(folder / "valkey")
    with contextlib.ExitStack() as exits:
        cluster = exits.enter_context(Cluster(folder / "cluster").running())
        exits.callback(valkey.kill)
        valkey.start()
        stack = ClusterStack(folder, cluster, valkey, kafka)
        exits.enter_context(stack.valkey_proxy)
        exits.callback(stack.clean_up)
        stack.migrate()
        yield stack
