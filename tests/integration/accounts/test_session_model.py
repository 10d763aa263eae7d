"""Sessions against a model of them: whatever is done in whatever order, both say the same.

The model keeps for each session its generation, its end and the times; it knows tokens by the
generation that they were given for. The service has the real database.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from order_service.contexts.accounts.errors import InvalidTokenError, SessionEndedError
from order_service.contexts.accounts.model import Tokens
from order_service.contexts.accounts.sessions import TokenReusedError
from order_service.infra.postgres.database import Database
from tests.integration.accounts.bench import IDLE, LONGEST, TOKEN_LIFE, AccountsBench, wipe

GRACE = timedelta(seconds=10)


@dataclass(eq=False)
class Session:
    """What the model knows of a session."""

    id: str
    began_at: datetime
    renewed_at: datetime
    generation: int = 1
    ended: bool = False
    texts: dict[int, str] = field(default_factory=dict)

    def is_over(self, now: datetime) -> bool:
        return self.ended or now >= min(self.renewed_at + IDLE, self.began_at + LONGEST)


@dataclass(frozen=True)
class Held:
    """A pair of tokens that somebody holds: the owner, or whoever copied it."""

    session: Session
    generation: int
    tokens: Tokens
    issued_at: datetime


class SessionMachine(RuleBasedStateMachine):
    """One person with any number of sessions, and tokens that are never thrown away."""

    tokens = Bundle("tokens")
    open_bench: Callable[[], AccountsBench]

    @initialize(target=tokens)
    def begin(self) -> Held:
        self.bench = type(self).open_bench()
        self.bench.revocations.refresh()
        self.sessions: list[Session] = []
        return self.opened(self.bench.register())

    def teardown(self) -> None:
        if hasattr(self, "bench"):
            self.bench.close()

    def hold(self, session: Session, tokens: Tokens) -> Held:
        now = self.bench.now
        assert self.bench.verify(tokens).session_id == session.id
        return Held(session, session.generation, tokens, now)

    @rule(target=tokens)
    def sign_in(self) -> Held:
        return self.opened(self.bench.login())

    def opened(self, tokens: Tokens) -> Held:
        now = self.bench.now
        session = Session(self.bench.verify(tokens).session_id, now, now)
        session.texts[1] = tokens.refresh_token
        self.sessions.append(session)
        return self.hold(session, tokens)

    @rule(target=tokens, held=tokens)
    def renew(self, held: Held) -> Held:
        session, now = held.session, self.bench.now
        if session.is_over(now):
            with pytest.raises(SessionEndedError):
                self.bench.renew(held.tokens)
            return held
        if held.generation == session.generation:
            return self.renewed(held)
        if held.generation == session.generation - 1 and now - session.renewed_at <= GRACE:
            again = self.bench.renew(held.tokens)
            assert again.refresh_token == session.texts[session.generation]
            return self.hold(session, again)
        with pytest.raises(TokenReusedError):
            self.bench.renew(held.tokens)
        session.ended = True
        self.bench.revocations.refresh()
        return held

    def renewed(self, held: Held) -> Held:
        session = held.session
        tokens = self.bench.renew(held.tokens)
        assert tokens.refresh_token not in session.texts.values()
        session.generation += 1
        session.renewed_at = self.bench.now
        session.texts[session.generation] = tokens.refresh_token
        return self.hold(session, tokens)

    @rule(held=tokens)
    def log_out(self, held: Held) -> None:
        self.bench.sessions.logout(held.tokens.refresh_token)
        held.session.ended = True
        self.bench.revocations.refresh()

    @rule(held=consumes(tokens))
    def revoke(self, held: Held) -> None:
        shown = {str(each.id) for each in self.bench.sessions.open_of(held.tokens.person_id)}
        assert (held.session.id in shown) is not held.session.is_over(self.bench.now)
        if held.session.id in shown:
            wanted = next(
                each.id
                for each in self.bench.sessions.open_of(held.tokens.person_id)
                if str(each.id) == held.session.id
            )
            self.bench.sessions.end(wanted, held.tokens.person_id)
            held.session.ended = True
            self.bench.revocations.refresh()

    @rule(held=tokens)
    def revoke_all(self, held: Held) -> None:
        self.bench.sessions.end_all(held.tokens.person_id)
        for session in self.sessions:
            session.ended = True
        self.bench.revocations.refresh()

    @rule(seconds=st.sampled_from([1, 9, 10, 11, 600, 86400, 15 * 86400, 30 * 86400]))
    def wait(self, seconds: int) -> None:
        self.bench.passes(seconds=seconds)
        self.bench.revocations.refresh()

    @rule(held=tokens)
    def use(self, held: Held) -> None:
        """An access token works until its own end, unless its session was ended before."""
        late = self.bench.now >= held.issued_at + TOKEN_LIFE
        if late or held.session.ended:
            with pytest.raises(InvalidTokenError):
                self.bench.verify(held.tokens)
        else:
            assert self.bench.verify(held.tokens).session_id == held.session.id

    @invariant()
    def the_open_sessions_are_those_of_the_model(self) -> None:
        if not hasattr(self, "bench"):
            return
        person = self.bench.people.credentials("ann")
        assert person
        shown = {str(each.id) for each in self.bench.sessions.open_of(person.person_id)}
        assert shown == {each.id for each in self.sessions if not each.is_over(self.bench.now)}


def test_sessions_do_what_their_model_says(
    admin: psycopg.Connection[object], accounts_database: Database
) -> None:
    def open_bench() -> AccountsBench:
        wipe(admin)
        return AccountsBench(accounts_database)

    SessionMachine.open_bench = staticmethod(open_bench)
    run_state_machine_as_test(
        SessionMachine,
        settings=settings(
            max_examples=60, stateful_step_count=30, suppress_health_check=list(HealthCheck)
        ),
    )
