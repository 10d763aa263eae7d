"""How the files of tests are dealt out to the workers of pytest-xdist.

A file stays whole and keeps its place, as with `--dist loadfile`. Those whose tests mostly wait,
for leases that run out and for faults that last as long as their schedule says, all go to one
worker that gets nothing else. It needs little of a core, so that the others do not miss it, while
each of them would stand still for minutes.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController, parse_tx_spec_config

WAITING = "tests that mostly wait"

WAITING_FILES = (
    "tests/cluster/",
    "tests/chaos/test_bank.py",
    "tests/chaos/test_disk_full.py",
    "tests/chaos/test_faults_consumer.py",
    "tests/chaos/test_faults_kafka.py",
    "tests/chaos/test_faults_postgres.py",
    "tests/chaos/test_faults_redis.py",
    "tests/chaos/test_polling.py",
    "tests/chaos/test_random.py",
)
_FEWEST_WORKERS = 3
"""With fewer of them none can be spared."""


def waits(nodeid: str) -> bool:
    """Whether a test is in a file whose tests mostly wait."""
    return nodeid.startswith(WAITING_FILES)


class TwoLanes(LoadFileScheduling):  # type: ignore[misc]  # its library has no types
    """Deals out files; those that wait are one unit of work, after which a worker is done."""

    def _split_scope(self, nodeid: str) -> str:
        return WAITING if waits(nodeid) else str(super()._split_scope(nodeid))

    def _reschedule(self, node: WorkerController) -> None:
        if WAITING in self.assigned_work[node]:
            node.shutdown()  # when it has run what it was given
        else:
            super()._reschedule(node)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let those that wait come first: they take longest."""
    items.sort(key=lambda item: not waits(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> TwoLanes | None:
    """Take two lanes where files are dealt out to enough workers."""
    by_file = config.getvalue("dist") == "loadfile"
    enough = len(parse_tx_spec_config(config)) >= _FEWEST_WORKERS
    return TwoLanes(config, log) if by_file and enough else None
