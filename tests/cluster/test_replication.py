"""How commits are kept: what alerts and doctor know of it, and what asynchronous replication loses.

What it loses of the orders, the topic gives back. Who has what nobody else has takes part again.
"""

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.stack import ClusterStack
from tests.deploy.files import rule_expressions
from tests.deploy.promql import selectors
from tests.integration.service_process import command
from tests.waiting import eventually

pytestmark = [pytest.mark.apache_kafka, pytest.mark.timeout(400)]

BEFORE, LOST = 600, 300


def test_each_metric_that_an_alert_asks_for_is_there(stack: ClusterStack) -> None:
    found = [each for given in rule_expressions() for each in selectors(given.text)]
    asked = {each.metric for each in found if each.metric.startswith("patroni_")}
    assert asked
    told: set[str] = set()
    for member in stack.cluster.members.values():
        with urllib.request.urlopen(f"http://{member.rest}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        told |= {line.partition("{")[0] for line in lines if 'scope="order-service"' in line}
    assert asked <= told


def test_doctor_says_for_whom_a_commit_waits(stack: ClusterStack) -> None:
    said = command(stack.environ(), "doctor").stdout.decode()
    assert "a commit waits for" in said
    with agreed(stack.cluster, synchronous_mode=False):
        assert "commits wait for no standby" in command(stack.environ(), "doctor").stdout.decode()


@contextmanager
def agreed(cluster: Cluster, **settings: object) -> Iterator[None]:
    """Let the members agree on something else while the block runs."""
    before = {name: cluster.settings()[name] for name in settings}
    cluster.change(**settings)
    cluster.await_whole()
    try:
        yield
    finally:
        cluster.change(**before)
        cluster.await_whole()


def test_what_a_failover_lost_is_found_in_the_topic_and_stored_again(stack: ClusterStack) -> None:
    cluster = stack.cluster
    asynchronous = agreed(cluster, synchronous_mode=False, maximum_lag_on_failover=1 << 30)
    with asynchronous, stack.feed() as feed:
        stack.consumer().await_status(200, 60)
        feed.produce(BEFORE)
        stack.await_drained()
        kept = stack.count()
        old, standbys = cluster.leader(), cluster.followers()
        for standby in standbys:
            standby.kill()
        feed.produce(LOST)
        stack.await_drained()
        before = stack.count()
        old.kill()
        for standby in standbys:
            standby.start()
        eventually(lambda: any(each.leads() for each in standbys), 90, "a standby leads")
        assert kept <= stack.count() < before
        found = command(stack.environ(), "reconcile", "--topic", "--since", "1h")
        assert found.returncode == 1, found.stdout + found.stderr
        assert b"missing" in found.stdout
        repaired = command(stack.environ(), "reconcile", "--topic", "--since", "1h", "--repair")
        assert repaired.returncode == 0, repaired.stdout + repaired.stderr
        assert stack.count() == before
        stack.check_set(feed)
        old.start()
        cluster.await_whole()


def test_a_former_primary_that_cannot_be_rewound_is_copied_anew(stack: ClusterStack) -> None:
    cluster = stack.cluster
    with agreed(cluster, synchronous_mode=False, maximum_lag_on_failover=1 << 30):
        old, standbys = cluster.leader(), cluster.followers()
        for standby in standbys:
            standby.kill()
        with psycopg.connect(stack.dsn) as connection:
            connection.execute("CREATE TABLE public.known_to_nobody_else ()")
        old.kill()
        for standby in standbys:
            standby.start()
        eventually(lambda: any(each.leads() for each in standbys), 90, "a standby leads")
        # pg_rewind gives up where there is a file on one side and a folder on the other.
        obstacle = "obstacle"
        (cluster.leader().data / obstacle).write_text("a file")
        (old.data / obstacle).mkdir()
        old.start()
        cluster.await_whole()
        assert (old.data / obstacle).read_text() == "a file"
        with psycopg.connect(stack.dsn) as connection:
            lost = connection.execute("SELECT to_regclass('public.known_to_nobody_else')")
            assert lost.fetchone() == (None,)
