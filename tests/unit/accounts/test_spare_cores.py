"""How many cores are left for hashes, as the kernel's counts say."""

from pathlib import Path

import pytest

from order_service.contexts.accounts.spare_cores import SpareCores, busy_seconds, own_cores

# user nice system idle iowait irq softirq steal guest guest_nice, in hundredths of a second.
STAT = """\
cpu  1000 2000 300 90000 10 1 20 0 0 0
cpu0 400 1000 100 45000 5 0 10 0 0 0
cpu1 600 1000 200 45000 5 1 10 0 0 0
cpu10 9999 9999 9999 9999 9999 9999 9999 0 0 0
intr 1 2 3
"""


@pytest.fixture
def stat(tmp_path: Path) -> Path:
    path = tmp_path / "stat"
    path.write_text(STAT, encoding="ascii")
    return path


def test_what_gives_way_and_what_waits_is_not_counted(stat: Path) -> None:
    assert busy_seconds([0], stat) == pytest.approx(5.1)
    assert busy_seconds([0, 1], stat) == pytest.approx(5.1 + 8.11)


@pytest.mark.parametrize("content", [None, "cpu0 1 2\n", "cpu0 a b c d e f g h\n"])
def test_a_system_that_counts_nothing_of_it_has_no_answer(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "stat"
    if content is not None:
        path.write_text(content, encoding="ascii")
    assert busy_seconds([0], path) is None


@pytest.mark.parametrize(
    ("cores", "used", "spare"),
    [(2, 0.0, 2), (2, 0.7, 2), (2, 0.8, 1), (2, 2.0, 1), (8, 3.0, 5), (8, 2.7, 6), (1, 0.9, 1)],
)
def test_others_get_the_cores_that_they_use(cores: int, used: float, spare: int) -> None:
    now, busy = 100.0, 7.0
    counted = SpareCores(range(cores), lambda: busy, lambda: now)
    assert counted.count() == cores
    for _ in range(2):
        now += 0.5
        busy += 0.5 * used
        assert counted.count() == spare
    now += 0.5
    assert counted.count() == cores


def test_it_is_looked_now_and_then(stat: Path) -> None:
    now, looks = 100.0, 0

    def busy() -> float | None:
        nonlocal looks
        looks += 1
        return busy_seconds([0, 1], stat)

    counted = SpareCores([0, 1], busy, lambda: now)
    for _ in range(100):
        now += 0.01
        counted.count()
    assert looks == pytest.approx(5, abs=1)


def test_without_an_answer_all_cores_are_spare() -> None:
    now = 100.0
    counted = SpareCores(range(4), lambda: None, lambda: now)
    now += 10
    assert counted.count() == 4


def test_this_process_has_cores_and_the_kernel_knows_them() -> None:
    assert own_cores()
    assert SpareCores(own_cores()).count() == len(own_cores())
