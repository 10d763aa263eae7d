"""What befalls a primary, and how it ends."""

from collections.abc import Callable
from typing import TypeAlias

from tests.cluster.cluster import Cluster
from tests.waiting import eventually

Mend: TypeAlias = Callable[[], object]
Fault: TypeAlias = Callable[[Cluster], Mend]
"""Happens to the cluster, and returns what ends it."""


def kill_primary(cluster: Cluster) -> Mend:
    """Its machine is gone."""
    leader = cluster.leader()
    leader.kill()
    return leader.start


def crash_primary(cluster: Cluster) -> Mend:
    """Postgres alone is gone, Patroni is not."""
    leader = cluster.leader()
    leader.crash()
    eventually(lambda: not leader.leads(), 30, "Patroni has noticed")
    return lambda: None


def freeze_primary(cluster: Cluster) -> Mend:
    """Its machine says nothing, and keeps its connections."""
    leader = cluster.leader()
    leader.suspend()
    return leader.resume


def cut_primary_from_etcd(cluster: Cluster) -> Mend:
    """It may take writes no longer, though all but etcd can reach it."""
    leader = cluster.leader()
    line = cluster.lines[leader.name]
    line.refuse()
    eventually(lambda: not leader.leads(), 60, "it has stepped down")
    return line.heal


def switch_over(cluster: Cluster) -> Mend:
    """An operator wants another primary."""
    cluster.switch_over()
    return lambda: None


def kill_standbys(cluster: Cluster) -> Mend:
    """Only the primary is left."""
    followers = cluster.followers()
    for member in followers:
        member.kill()

    def start() -> None:
        for member in followers:
            member.start()

    return start


def befall(cluster: Cluster, fault: Fault) -> None:
    """Let a fault happen to a cluster that is whole; return when another primary has taken over."""
    cluster.await_whole()
    mend = fault(cluster)
    eventually(lambda: any(each.leads() for each in cluster.members.values()), 90, "somebody leads")
    mend()
    cluster.await_whole()
