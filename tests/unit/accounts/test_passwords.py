"""What may be a password or a login, and in which form they are compared."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from argon2 import low_level
from argon2.exceptions import VerifyMismatchError
from hypothesis import given
from hypothesis import strategies as st

from order_service.contexts.accounts.errors import HashingBusyError
from order_service.contexts.accounts.hashing import (
    PARAMETERS,
    PasswordHashing,
    no_password,
)
from order_service.contexts.accounts.logins import login_faults, login_key
from order_service.contexts.accounts.passwords import (
    MAX_LENGTH,
    PasswordPolicy,
    common_passwords,
    prepared,
)


@given(st.text(max_size=MAX_LENGTH + 10))
def test_preparing_twice_changes_nothing(text: str) -> None:
    form = prepared(text)
    if form is not None:
        assert prepared(form.decode()) == form
        assert 1 <= len(form.decode()) <= MAX_LENGTH


@given(st.text())
def test_the_key_of_a_key_is_the_key(text: str) -> None:
    assert login_key(login_key(text)) == login_key(text)


@given(st.text(max_size=50))
def test_any_login_that_may_be_one_can_be_stored(text: str) -> None:
    if not login_faults(text):
        for form in (text, login_key(text)):
            assert "\x00" not in form
            assert form.encode()


def test_a_password_is_never_cut() -> None:
    composed, decomposed = "ä" * MAX_LENGTH, "a\u0308" * MAX_LENGTH
    assert prepared(decomposed) == prepared(composed) == composed.encode()
    assert prepared(composed + "x") is None
    assert prepared(decomposed + "x") is None
    assert prepared("x" * 100_000) is None


@pytest.mark.parametrize("word", ["password", "1234567890", "qwertyuiop", "iloveyou12"])
def test_words_that_everybody_tries_are_known(word: str) -> None:
    policy = PasswordPolicy(8)
    assert (word in common_passwords()) is bool(policy.faults(word, "ann"))


def test_at_least_three_thousand_common_passwords_are_long_enough_to_matter() -> None:
    assert sum(len(word) >= 8 for word in common_passwords()) >= 3000


@pytest.mark.parametrize(
    "password", ["x" * 10, "x" * 128, "пароль из слов", "🐎🔋📎🐎🔋📎🐎🔋📎🐎", "          "]
)
def test_there_are_no_rules_of_composition(password: str) -> None:
    assert not PasswordPolicy(10).faults(password, "ann")


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
    with hashing.slot() as slot:
        first, second = slot.hash(b"secret"), slot.hash(b"secret")
        assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert first != second
        assert slot.verify(first, b"secret")
        assert not slot.verify(first, b"Secret")
        assert not slot.is_outdated(first)
        assert slot.is_outdated(first.replace("t=2", "t=3"))
        assert slot.is_outdated("nonsense")
        assert not slot.verify("nonsense", b"secret")


def test_nobody_has_the_hash_of_nobody() -> None:
    with pytest.raises(VerifyMismatchError):
        low_level.verify_secret(no_password().encode(), b"", PARAMETERS.type)


def test_more_than_the_queue_admits_are_refused_at_once(
    hashing: PasswordHashing, told: Told
) -> None:
    release, inside = threading.Event(), threading.Semaphore(0)

    def hold() -> None:
        with hashing.slot():
            inside.release()
            release.wait(30)

    with ThreadPoolExecutor(3) as pool:
        holding = [pool.submit(hold) for _ in range(3)]
        for _ in range(2):
            assert inside.acquire(timeout=30)
        while told.last < 3:
            pass
        with pytest.raises(HashingBusyError) as refusal, hashing.slot():
            raise AssertionError
        assert refusal.value.seconds > 0
        release.set()
        for each in holding:
            each.result()
    assert (told.most, told.last, told.refused) == (3, 0, 1)


def test_a_fault_in_a_slot_frees_it(hashing: PasswordHashing, told: Told) -> None:
    for _ in range(5):
        with pytest.raises(ZeroDivisionError), hashing.slot():
            raise ZeroDivisionError
    assert told.last == 0
