"""Renewals of one session at the same time, from several processes with pools of their own."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.backends import Environ
from tests.integration.accounts import racer
from tests.integration.accounts.bench import AccountsBench

PROCESSES = 3
ROUNDS = 25


@pytest.fixture(scope="module")
def racers(shared_database: Environ) -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("spawn")
    start = (shared_database, context.Barrier(PROCESSES))
    with ProcessPoolExecutor(PROCESSES, context, racer.Racer.open, start) as pool:
        yield pool


def race(pool: ProcessPoolExecutor, token: str) -> list[str]:
    """What each process gets for the same token at the same time."""
    answers = [pool.submit(racer.renew, token) for _ in range(PROCESSES)]
    return [each.result(120) for each in answers]


def test_all_who_renew_at_once_get_the_same_successor(
    bench: AccountsBench, racers: ProcessPoolExecutor
) -> None:
    token = bench.register().refresh_token
    for _ in range(ROUNDS):
        answers = set(race(racers, token))
        assert len(answers) == 1
        (successor,) = answers
        assert successor not in {"", token}
        token = successor
    state = bench.store.state(bench.sessions._read(token).session_id)  # noqa: SLF001
    assert state
    assert state.generation == ROUNDS + 1


def test_an_old_token_that_is_used_everywhere_at_once_ends_the_session_once(
    bench: AccountsBench, racers: ProcessPoolExecutor
) -> None:
    first = bench.register()
    newest = bench.renew(bench.renew(first))
    assert race(racers, first.refresh_token) == [""] * PROCESSES
    assert race(racers, newest.refresh_token) == [""] * PROCESSES
    assert bench.results_of(first) == ["registered", "token_reused"]
