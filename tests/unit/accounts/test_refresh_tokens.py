"""Refresh tokens: what they say, what follows them, and what was never one."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from order_service.contexts.accounts.refresh_tokens import RefreshToken, RefreshTokens

SESSION = UUID("01931b7c-1c42-7b0f-8d1e-4a6f2b9c3d58")
OURS = RefreshTokens({1: b"a" * 32, 2: b"b" * 32}, 2)
THEIRS = RefreshTokens({1: b"x" * 32, 2: b"y" * 32}, 2)

tokens = st.builds(
    RefreshToken,
    st.uuids(),
    st.integers(1, 2**32 - 1),
    st.binary(min_size=32, max_size=32),
)


@given(tokens)
def test_what_was_written_is_read(token: RefreshToken) -> None:
    text = OURS.write(token)
    assert OURS.read(text) == token
    assert THEIRS.read(text) is None


@given(tokens)
def test_a_token_has_one_successor(token: RefreshToken) -> None:
    successor = OURS.successor(token)
    assert successor == OURS.successor(token)
    assert successor in set(OURS.successors(token))
    assert successor.session_id == token.session_id
    assert successor.secret != token.secret
    assert THEIRS.successor(token) != successor


@given(tokens, st.data())
def test_no_single_character_can_be_changed(token: RefreshToken, data: st.DataObject) -> None:
    text = OURS.write(token)
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(codec="ascii").filter(lambda each: each != text[place]))
    assert OURS.read(text[:place] + letter + text[place + 1 :]) is None


@given(st.text())
def test_nothing_else_is_a_token(text: str) -> None:
    assert OURS.read(text) is None
    assert OURS.read(f"ort_{text}") is None


def test_an_old_key_reads_and_a_new_one_writes() -> None:
    before = RefreshTokens({1: b"a" * 32}, 1)
    token = before.first(SESSION)
    assert OURS.read(before.write(token)) == token
    assert before.read(OURS.write(token)) is None


def test_the_digest_does_not_lead_back() -> None:
    token = OURS.first(SESSION)
    assert len(token.digest) == 32
    assert token.digest != token.secret
    assert OURS.first(SESSION).secret != token.secret
