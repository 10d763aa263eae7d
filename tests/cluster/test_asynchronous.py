"""A failover with asynchronous replication loses orders, and the topic gives them back."""

import pytest

from tests.cluster.stack import ClusterStack
from tests.integration.service_process import command
from tests.waiting import eventually

pytestmark = [pytest.mark.apache_kafka, pytest.mark.timeout(400)]

BEFORE, LOST = 600, 300


def test_what_a_failover_lost_is_found_in_the_topic_and_stored_again(stack: ClusterStack) -> None:
    cluster = stack.cluster
    cluster.change(synchronous_mode=False, maximum_lag_on_failover=1 << 30)
    cluster.await_whole()
    stack.consumer().await_status(200, 60)
    with stack.feed() as feed:
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
