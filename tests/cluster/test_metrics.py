"""Patroni says what the alerts ask it for, and doctor says how commits are kept."""

import urllib.request

import pytest

from tests.cluster.stack import ClusterStack
from tests.deploy.files import rule_expressions
from tests.deploy.promql import selectors
from tests.integration.service_process import command

pytestmark = pytest.mark.timeout(300)


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
    stack.cluster.change(synchronous_mode=False)
    stack.cluster.await_whole()
    try:
        assert "commits wait for no standby" in command(stack.environ(), "doctor").stdout.decode()
    finally:
        stack.cluster.change(synchronous_mode=True)
        stack.cluster.await_whole()
