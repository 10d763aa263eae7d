"""The Go services of the benchmarks do the same job as the service: they answer alike."""

from collections.abc import Iterator

import pytest

from benchmarks.golang import go_version
from benchmarks.orders import Sample, samples
from benchmarks.stack import Stack, running_stack
from benchmarks.stored import require_same, store

pytestmark = pytest.mark.skipif(not go_version(), reason="Go is not installed")


@pytest.fixture(scope="module")
def messages() -> list[Sample]:
    return list(samples(3))


@pytest.fixture(scope="module")
def stack(messages: list[Sample]) -> Iterator[Stack]:
    with running_stack() as stack:
        store(stack, messages)
        yield stack


@pytest.mark.parametrize("mode", ["cached", "pipelined", "memory"])
def test_a_go_service_answers_as_the_service_does(
    stack: Stack, messages: list[Sample], mode: str
) -> None:
    with stack.api() as api, stack.go_api(mode) as other:
        for uid, _ in messages:
            require_same(api, other, f"/order/{uid}")
        assert other.status("/order/unknown") == 404


@pytest.mark.parametrize("mode", ["cached", "pipelined"])
def test_a_go_service_with_a_cache_fills_it_and_reads_it(
    stack: Stack, messages: list[Sample], mode: str
) -> None:
    uid = messages[0].uid
    with stack.go_api(mode) as other, stack.redis as redis:
        redis.flushall()
        missed = other.get(f"/order/{uid}").body
        assert redis.get(f"order:{uid}") == missed
        redis.set(f"order:{uid}", b"{}")
        assert other.get(f"/order/{uid}").body == b"{}"
