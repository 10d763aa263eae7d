"""Sessions on the real database: renewed, repeated, reused, ended."""

from uuid import UUID

import pytest

from order_service.contexts.accounts.errors import (
    InvalidTokenError,
    NoSuchSessionError,
    SessionEndedError,
)
from order_service.contexts.accounts.freshness import require_standing
from order_service.contexts.accounts.model import Client, Tokens, new_id
from order_service.contexts.accounts.refresh_tokens import RefreshTokens
from order_service.contexts.accounts.sessions import TokenReusedError
from tests.integration.accounts.bench import HERE, IDLE, LONGEST, AccountsBench, fails_with


def session_of(bench: AccountsBench, tokens: Tokens) -> UUID:
    return UUID(bench.verify(tokens).session_id)


@pytest.fixture
def tokens(bench: AccountsBench) -> Tokens:
    bench.revocations.refresh()
    return bench.register()


def test_a_renewal_gives_another_token_of_the_same_session(
    bench: AccountsBench, tokens: Tokens
) -> None:
    renewed = bench.renew(tokens)
    assert renewed.refresh_token != tokens.refresh_token
    assert renewed.access_token != tokens.access_token
    assert session_of(bench, renewed) == session_of(bench, tokens)
    assert renewed.person_id == tokens.person_id


def test_the_token_before_gets_the_same_successor_for_ten_seconds(
    bench: AccountsBench, tokens: Tokens
) -> None:
    first = bench.renew(tokens)
    for _ in range(3):
        assert bench.renew(tokens).refresh_token == first.refresh_token
    bench.passes(seconds=10)
    again = bench.renew(tokens)
    assert again.refresh_token == first.refresh_token
    assert bench.renew(again).refresh_token != first.refresh_token


def test_the_token_before_ends_the_session_after_ten_seconds(
    bench: AccountsBench, tokens: Tokens
) -> None:
    newest = bench.renew(tokens)
    bench.passes(seconds=10.001)
    with fails_with(TokenReusedError):
        bench.renew(tokens)
    with fails_with(SessionEndedError):
        bench.renew(newest)
    assert bench.results_of(tokens) == ["registered", "token_reused"]
    bench.revocations.refresh()
    with pytest.raises(InvalidTokenError, match="session has ended"):
        bench.verify(newest)


def test_a_token_two_generations_old_ends_the_session_at_once(
    bench: AccountsBench, tokens: Tokens
) -> None:
    newest = bench.renew(bench.renew(tokens))
    with fails_with(TokenReusedError):
        bench.renew(tokens)
    for each in (newest, tokens):
        with fails_with(SessionEndedError):
            bench.renew(each)
    assert bench.results_of(tokens) == ["registered", "token_reused"]


def test_other_sessions_of_the_person_go_on(bench: AccountsBench, tokens: Tokens) -> None:
    other = bench.login()
    bench.renew(bench.renew(tokens))
    with fails_with(TokenReusedError):
        bench.renew(tokens)
    assert bench.renew(other).person_id == tokens.person_id


def test_a_token_that_was_never_ours_touches_no_session(
    bench: AccountsBench, tokens: Tokens
) -> None:
    text = tokens.refresh_token
    forger = RefreshTokens({1: b"x" * 32}, 1)
    old = forger.write(forger.first(session_of(bench, tokens)))
    swapped = text[:-1] + ("A" if text[-1] != "A" else "B")
    for made_up in ("", "ort_", "ort_" + "A" * 92, old, text + "=", text.upper(), swapped):
        with fails_with(SessionEndedError):
            bench.sessions.renew(made_up, HERE)
    assert bench.renew(tokens)


def test_a_session_ends_idle(bench: AccountsBench, tokens: Tokens) -> None:
    bench.now += IDLE / 2
    renewed = bench.renew(tokens)
    bench.now += IDLE
    with fails_with(SessionEndedError):
        bench.renew(renewed)
    assert not bench.sessions.open_of(tokens.person_id)


def test_a_session_ends_at_its_longest_however_often_it_is_renewed(
    bench: AccountsBench, tokens: Tokens
) -> None:
    begin = bench.now
    while bench.now < begin + LONGEST - IDLE / 2:
        bench.now += IDLE / 2
        if bench.now < begin + LONGEST:
            tokens = bench.renew(tokens)
    bench.now = begin + LONGEST
    with fails_with(SessionEndedError):
        bench.renew(tokens)


def test_a_logout_ends_the_session_whatever_token_of_it_is_shown(
    bench: AccountsBench, tokens: Tokens
) -> None:
    newest = bench.renew(bench.renew(tokens))
    bench.sessions.logout(tokens.refresh_token)
    bench.sessions.logout(tokens.refresh_token)
    bench.sessions.logout("nonsense")
    with fails_with(SessionEndedError):
        bench.renew(newest)
    bench.revocations.refresh()
    with pytest.raises(InvalidTokenError):
        bench.verify(newest)


def test_a_person_sees_and_ends_own_sessions_and_no_other(
    bench: AccountsBench, tokens: Tokens
) -> None:
    bench.passes(seconds=1)
    phone = bench.login(client=Client.of("192.0.2.7", "Phone\x00" + "x" * 500))
    other = bench.register("bob")
    shown = bench.sessions.open_of(tokens.person_id)
    assert [each.id for each in shown] == [session_of(bench, phone), session_of(bench, tokens)]
    assert shown[0].client == Client("192.0.2.7", "Phone?" + "x" * 114)
    with fails_with(NoSuchSessionError):
        bench.sessions.end(session_of(bench, other), tokens.person_id)
    with fails_with(NoSuchSessionError):
        bench.sessions.end(new_id(), tokens.person_id)
    bench.sessions.end(shown[0].id, tokens.person_id)
    with fails_with(NoSuchSessionError):
        bench.sessions.end(shown[0].id, tokens.person_id)
    assert bench.sessions.end_all(tokens.person_id) == 1
    with fails_with(SessionEndedError):
        bench.renew(tokens)
    assert bench.renew(other)


def test_a_fresh_look_sees_an_end_before_any_list_does(
    bench: AccountsBench, tokens: Tokens
) -> None:
    identity = bench.verify(tokens)
    require_standing(identity, bench.store, bench.clock)
    bench.sessions.end_all(tokens.person_id)
    assert bench.verify(tokens) == identity
    with pytest.raises(InvalidTokenError, match="session has ended"):
        require_standing(identity, bench.store, bench.clock)


def test_a_renewal_outlives_a_change_of_the_refresh_key(
    bench: AccountsBench, tokens: Tokens
) -> None:
    assert bench.rotation.rotate_refresh_key() == "2"
    bench.keeping.refresh()
    first = bench.renew(tokens)
    bench.passes(seconds=61)
    bench.keeping.refresh()
    bench.passes(seconds=-58)
    assert bench.renew(tokens).refresh_token[:6] != first.refresh_token[:6]
    second = bench.renew(first)
    assert bench.renew(second)
