"""How the end of a session reaches those who only look at tokens."""

from contextlib import closing
from uuid import UUID

import pytest

from order_service.contexts.accounts.errors import (
    AccountsError,
    AccountsUnavailableError,
    InvalidTokenError,
)
from order_service.contexts.accounts.model import EndReason
from order_service.infra.postgres.database import Database
from tests.integration.accounts.bench import AccountsBench


def test_nothing_is_accepted_before_the_list_was_read_once(bench: AccountsBench) -> None:
    tokens = bench.register()
    with pytest.raises(AccountsUnavailableError):
        bench.verify(tokens)
    bench.revocations.refresh()
    assert bench.verify(tokens)


def test_an_end_is_known_after_the_next_reading_in_every_process(
    bench: AccountsBench, accounts_database: Database
) -> None:
    with closing(AccountsBench(accounts_database)) as other:
        for each in (bench, other):
            each.revocations.refresh()
        tokens = bench.register()
        for _ in range(3):
            assert other.verify(tokens)
        bench.sessions.logout(tokens.refresh_token)
        assert other.verify(tokens)
        other.revocations.refresh()
        with pytest.raises(InvalidTokenError):
            other.verify(tokens)


def test_an_end_that_was_committed_late_is_not_missed(bench: AccountsBench) -> None:
    """Its transaction had taken its time long before others that were read already."""
    bench.revocations.refresh()
    tokens = bench.register()
    began = bench.now
    bench.passes(seconds=10)
    bench.revocations.refresh()
    session, person = UUID(bench.verify(tokens).session_id), tokens.person_id
    assert bench.store.end(session, person, EndReason.LOGOUT, began)
    bench.passes(seconds=1)
    bench.revocations.refresh()
    with pytest.raises(InvalidTokenError):
        bench.verify(tokens)


def test_a_process_that_could_not_read_for_long_catches_up(
    bench: AccountsBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.revocations.refresh()
    tokens = bench.register()
    bench.sessions.logout(tokens.refresh_token)

    def away(_: object) -> None:
        raise AccountsUnavailableError

    with monkeypatch.context() as patch:
        patch.setattr(bench.store, "ended_since", away)
        for _ in range(8):
            bench.passes(minutes=1)
            with pytest.raises(AccountsError):
                bench.revocations.refresh()
            assert bench.verify(tokens)
    assert bench.revocations.age == pytest.approx(480)
    bench.revocations.refresh()
    with pytest.raises(InvalidTokenError):
        bench.verify(tokens)


def test_the_list_holds_no_session_whose_tokens_are_gone(bench: AccountsBench) -> None:
    bench.revocations.refresh()
    for _ in range(5):
        tokens = bench.register(f"person-{bench.now:%H%M%S}")
        bench.sessions.logout(tokens.refresh_token)
        bench.revocations.refresh()
        bench.passes(minutes=10)
    bench.revocations.refresh()
    assert len(bench.revocations) == 1
