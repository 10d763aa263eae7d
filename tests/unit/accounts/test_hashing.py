"""How many hash at once, and what a hash says."""

import contextvars
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from argon2 import low_level
from argon2.exceptions import VerifyMismatchError

from order_service.contexts.accounts.errors import HashingBusyError
from order_service.contexts.accounts.hashing import (
    PARAMETERS,
    Hasher,
    PasswordHashing,
    no_password,
)


class Told:
    """What hashing told."""

    def __init__(self) -> None:
        self.most = 0
        self.last = 0
        self.refused = 0

    def hashing(self, count: int) -> None:
        self.most, self.last = max(self.most, count), count

    def hashing_refused(self) -> None:
        self.refused += 1


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def hashing(told: Told) -> Iterator[PasswordHashing]:
    with closing(PasswordHashing(told, slots=2, queue=1)) as opened:
        yield opened


def test_a_hash_says_its_parameters_and_has_a_salt_of_its_own(hashing: PasswordHashing) -> None:
    first, second = hashing.hash(b"secret"), hashing.hash(b"secret")
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert first != second
    hasher = Hasher()
    assert hasher.verify(first, b"secret")
    assert not hasher.verify(first, b"Secret")
    assert not hasher.is_outdated(first)
    assert hasher.is_outdated(first.replace("t=2", "t=3"))
    assert hasher.is_outdated("nonsense")
    assert not hasher.verify("nonsense", b"secret")


def test_nobody_has_the_hash_of_nobody() -> None:
    with pytest.raises(VerifyMismatchError):
        low_level.verify_secret(no_password().encode(), b"", PARAMETERS.type)


def test_more_than_the_queue_admits_are_refused_at_once(
    hashing: PasswordHashing, told: Told
) -> None:
    release, inside = threading.Event(), threading.Semaphore(0)

    def occupy(_hasher: Hasher) -> None:
        inside.release()
        release.wait(30)

    def hold() -> None:
        with hashing.place() as place:
            place.run(occupy)

    with ThreadPoolExecutor(3) as pool:
        holding = [pool.submit(hold) for _ in range(3)]
        for _ in range(2):
            assert inside.acquire(timeout=30)
        while told.last < 3:
            pass
        with pytest.raises(HashingBusyError) as refusal:
            hashing.hash(b"secret")
        assert refusal.value.seconds > 0
        release.set()
        for each in holding:
            each.result()
    assert (told.most, told.last, told.refused) == (3, 0, 1)


def test_what_fails_while_it_hashes_frees_its_place(hashing: PasswordHashing, told: Told) -> None:
    for _ in range(5):
        with pytest.raises(ZeroDivisionError), hashing.place() as place:
            place.run(lambda _hasher: 1 // 0)
    assert told.last == 0


def run_nine(hashing: PasswordHashing, work: Callable[[Hasher], object]) -> None:
    """Have it done nine times by as many people at once."""

    def attempt() -> None:
        with hashing.place() as place:
            place.run(work)

    with ThreadPoolExecutor(9) as people:
        for each in [people.submit(attempt) for _ in range(9)]:
            each.result()


def test_as_many_hash_at_once_as_leave_others_their_cores(told: Told) -> None:
    """One that has not ended counts, whatever it does: what it found must be counted by then."""
    spare, first, second = 1, threading.Event(), threading.Event()
    release, meeting = threading.Event(), threading.Barrier(3)

    def hold(_hasher: Hasher) -> None:
        first.set()
        assert release.wait(30)

    with (
        closing(PasswordHashing(told, slots=3, queue=9, spare=lambda: spare)) as shared,
        ThreadPoolExecutor(2) as pool,
    ):
        holding = pool.submit(lambda: shared.run(hold))
        assert first.wait(30)
        waiting = pool.submit(lambda: shared.run(lambda _hasher: second.set()))
        assert not second.wait(0.3)
        release.set()
        holding.result()
        waiting.result()
        spare = 3
        run_nine(shared, lambda _hasher: meeting.wait(30))


def test_a_context_of_the_request_is_that_of_the_hash(hashing: PasswordHashing) -> None:
    variable = contextvars.ContextVar("variable", default="nothing")
    variable.set("request")
    with hashing.place() as place:
        assert place.run(lambda _hasher: variable.get()) == "request"
