"""What a backlog took goes back to the operating system."""

import platform

import psutil
import pytest

from order_service.infra.memory import give_back

MEGABYTE = 1_000_000


def resident() -> float:
    return psutil.Process().memory_info().rss / MEGABYTE


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be asked")
def test_memory_that_is_free_is_given_back() -> None:
    taken = [bytes(1000) for _ in range(60_000)]
    last = bytes(1000)  # keeps the end of the heap, as something always does
    del taken
    before = resident()
    give_back()
    assert before - resident() > 30
    assert last
