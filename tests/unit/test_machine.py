"""How much memory an embedded Postgres may plan with."""

from pathlib import Path

import psutil
import pytest

from order_service.embedded.machine import memory_bytes


def test_without_a_limit_it_is_the_machines(tmp_path: Path) -> None:
    assert memory_bytes(tmp_path / "missing") == psutil.virtual_memory().total


@pytest.mark.parametrize(("limit", "expected"), [("1048576\n", 1048576), ("max\n", None)])
def test_a_container_has_what_its_limit_leaves(
    tmp_path: Path, limit: str, expected: int | None
) -> None:
    file = tmp_path / "memory.max"
    file.write_text(limit)
    assert memory_bytes(file) == (expected or psutil.virtual_memory().total)
