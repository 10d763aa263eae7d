"""What may be a password or a login, and in which form they are compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
