"""A service on a cluster, shared by the tests of a file: each leaves the cluster whole again."""

from collections.abc import Iterator

import pytest

from order_service.embedded.server import KafkaServer
from tests.cluster.stack import ClusterStack, running_cluster
from tests.programs import program


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, kafka_server: KafkaServer
) -> Iterator[ClusterStack]:
    """A service on three members."""
    for name, package in (("etcd", "etcd-server"), ("haproxy", "haproxy")):
        program(name, package)
    with running_cluster(tmp_path_factory.mktemp("cluster"), kafka_server) as stack:
        yield stack
