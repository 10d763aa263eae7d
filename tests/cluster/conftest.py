"""A cluster for all tests, which leave it whole again, and a service on it for those of a file.

To start the members takes longer than most of what befalls them.
"""

from collections.abc import Iterator

import pytest

from order_service.embedded.server import KafkaServer
from tests.cluster.cluster import Cluster
from tests.cluster.stack import ClusterStack, running_service
from tests.programs import program


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three members that agree on what deploy/patroni/ says."""
    for name, package in (("etcd", "etcd-server"), ("haproxy", "haproxy")):
        program(name, package)
    with Cluster(tmp_path_factory.mktemp("cluster")).running() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, cluster: Cluster, kafka_server: KafkaServer
) -> Iterator[ClusterStack]:
    """A service on the cluster, with a database of its own."""
    with running_service(tmp_path_factory.mktemp("service"), cluster, kafka_server) as stack:
        yield stack
