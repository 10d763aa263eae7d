"""Tests that mostly wait have a worker to themselves; no other test is left out."""

from itertools import chain, pairwise
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.builders import ROOT
from tests.distribution import WAITING_FILES, TwoLanes, pytest_xdist_make_scheduler, waits

TESTS = [
    *(f"tests/cluster/test_{file}.py::test_{number}" for file in "ab" for number in range(3)),
    *(f"tests/unit/test_{file}.py::test_{number}" for file in "abcdefgh" for number in range(3)),
]


class Node:
    """A worker that runs what it was sent when it is told to."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.done = 0
        self.shutting_down = False
        self.gateway = SimpleNamespace(id=str(id(self)))

    def send_runtest_some(self, indices: list[int]) -> None:
        assert not self.shutting_down
        self.sent += indices

    def shutdown(self) -> None:
        self.shutting_down = True


def config_of(workers: int, dist: str = "loadfile") -> pytest.Config:
    values = {"tx": [f"{workers}*popen"], "dist": dist}
    options = SimpleNamespace(loadscopereorder=False)
    return cast("pytest.Config", SimpleNamespace(option=options, getvalue=values.__getitem__))


def ran(nodes: list[Node]) -> list[list[str]]:
    """What each worker has run, when they take turns, one test each, until all is done."""
    scheduler = TwoLanes(config_of(len(nodes)))
    for node in nodes:
        scheduler.add_node(node)
        scheduler.add_node_collection(node, TESTS)
    scheduler.schedule()
    while scheduler.has_pending:
        for node in nodes:
            if node.done < len(node.sent):
                scheduler.mark_test_complete(node, node.sent[node.done])
                node.done += 1
    return [[TESTS[index] for index in node.sent] for node in nodes]


def test_one_worker_gets_all_that_wait_and_nothing_else() -> None:
    nodes = [Node() for _ in range(3)]
    first, *others = ran(nodes)
    assert first == [test for test in TESTS if waits(test)]
    assert sorted(chain(*others)) == [test for test in TESTS if not waits(test)]
    assert all(node.shutting_down for node in nodes)


def test_a_file_stays_whole() -> None:
    for tests in ran([Node() for _ in range(3)]):
        files = [test.partition("::")[0] for test in tests]
        assert len(set(files)) == 1 + sum(a != b for a, b in pairwise(files))


@pytest.mark.parametrize(
    ("workers", "dist", "taken"),
    [(3, "loadfile", True), (2, "loadfile", False), (1, "loadfile", False), (3, "load", False)],
)
def test_without_a_worker_to_spare_xdist_deals_out(workers: int, dist: str, taken: bool) -> None:  # noqa: FBT001
    log: Any = None
    assert (pytest_xdist_make_scheduler(config_of(workers, dist), log) is not None) == taken


@pytest.mark.parametrize("path", WAITING_FILES)
def test_the_files_that_wait_are_there(path: str) -> None:
    assert (ROOT / path).exists()
