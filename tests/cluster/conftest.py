"""A service on a cluster, shared by the tests of a file: each leaves the cluster whole again."""

from collections.abc import Iterator

import pytest

from order_service.embedded.server import KafkaServer
from tests.cluster.cluster import require_cluster
from tests.cluster.stack import ClusterStack, running_cluster


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, kafka_server: KafkaServer
) -> Iterator[ClusterStack]:
    """A service on three members."""
    require_cluster()
    with running_cluster(tmp_path_factory.mktemp("cluster"), kafka_server) as stack:
        yield stack
