"""Use case: sessions are renewed, shown and ended.

A refresh token renews once (RFC 9700 section 4.14.2). Two tabs that renew at the same time, or a
client that never got the answer, use the same one twice within moments: they get the same successor
again. Later or earlier generations in anybody's hands mean that a token was copied, and nobody can
tell which of the two is the owner: the session ends.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from .errors import NoSuchSessionError, SessionEndedError
from .granting import Granting, Lifetimes
from .model import (
    Client,
    EndReason,
    Holder,
    SessionRecord,
    SessionState,
    SignIn,
    SignInResult,
    Tokens,
    new_id,
)
from .ports import Clock, SessionStore, SignInStore
from .refresh_tokens import RefreshToken
from .signing_in import observed
from .tokens.keys import TokenKeys


class SessionObserver(Protocol):
    """Told what became of renewals, for metrics."""

    def renewed(self, result: str) -> None:
        """A renewal ended: ``renewed``, ``reused``, ``ended`` or ``failed``."""


class TokenReusedError(SessionEndedError):
    """An old refresh token came back; the session was ended."""

    result = "reused"


class Sessions:
    """Renews, shows and ends sessions. Thread-safe.

    Everything raises AccountsUnavailableError if it cannot be known or done now.

    Args:
        store: The sessions.
        sign_ins: Where the reuse of a token is recorded.
        keys: Returns the keys as they are now.
        granting: Makes tokens.
        lifetimes: How long sessions live.
        observer: Told what became of renewals.
        clock: The time now.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a renewal brings together
        self,
        store: SessionStore,
        sign_ins: SignInStore,
        keys: Callable[[], TokenKeys],
        granting: Granting,
        lifetimes: Lifetimes,
        observer: SessionObserver,
        clock: Clock,
    ) -> None:
        self._store = store
        self._sign_ins = sign_ins
        self._keys = keys
        self._granting = granting
        self._lifetimes = lifetimes
        self._observer = observer
        self._clock = clock

    def renew(self, text: str, client: Client) -> Tokens:
        """Return new tokens for a refresh token.

        Raises:
            SessionEndedError: It renews nothing.
            TokenReusedError: It was used before; its session has ended now, if it had not.
            AccountsUnavailableError: It cannot be known now; the same token may be used again.
        """
        with observed(self._observer.renewed, "renewed"):
            token = self._read(text)
            now = self._clock()
            successor = self._keys().refresh.successor(token)
            holder = self._store.renew(
                token.session_id, token.generation, token.digest, successor.digest, now
            )
            if holder is None:
                holder, successor = self._repeated(token, client, now)
            return self._granting.renewed(holder, successor)

    def _read(self, text: str) -> RefreshToken:
        token = self._keys().refresh.read(text)
        if token is None:
            raise SessionEndedError
        return token

    def _repeated(
        self, token: RefreshToken, client: Client, now: datetime
    ) -> tuple[Holder, RefreshToken]:
        """Return what replaced a token that is not the newest, if it may still be used."""
        state = self._store.state(token.session_id)
        if state is None or self._is_over(state, now):
            raise SessionEndedError
        if token.generation > state.generation:  # the database was restored from a copy
            raise SessionEndedError
        if token.generation == state.generation and token.digest == state.token_digest:
            # Nothing is wrong with it, and yet it was not renewed: disabled in this moment.
            raise SessionEndedError
        for successor in self._keys().refresh.successors(token):
            if (
                self._is_newest(successor, state)
                and now - state.renewed_at <= self._lifetimes.grace
            ):
                return state.holder, successor
        self._end_reused(state, token, client, now)
        raise TokenReusedError

    def _is_over(self, state: SessionState, now: datetime) -> bool:
        idle_until = state.renewed_at + self._lifetimes.idle
        return state.ended_at is not None or now >= min(idle_until, state.expires_at)

    @staticmethod
    def _is_newest(token: RefreshToken, state: SessionState) -> bool:
        return token.generation == state.generation and token.digest == state.token_digest

    def _end_reused(
        self, state: SessionState, token: RefreshToken, client: Client, now: datetime
    ) -> None:
        person_id = state.holder.person_id
        if self._store.end(token.session_id, person_id, EndReason.TOKEN_REUSED, now):
            result = SignInResult.TOKEN_REUSED
            entry = SignIn(new_id(), person_id, token.session_id, result, client, now)
            self._sign_ins.record(entry)

    def logout(self, text: str) -> None:
        """End the session of a refresh token, of whatever generation, if there is one."""
        token = self._keys().refresh.read(text)
        state = self._store.state(token.session_id) if token else None
        if token and state:
            now = self._clock()
            self._store.end(token.session_id, state.holder.person_id, EndReason.LOGOUT, now)

    def end(self, session_id: UUID, person_id: UUID) -> None:
        """End an open session of a person.

        Raises:
            NoSuchSessionError: The person has none of this id that is open.
        """
        if not self._store.end(session_id, person_id, EndReason.REVOKED, self._clock()):
            raise NoSuchSessionError(str(session_id))

    def end_if_open(self, session_id: UUID, person_id: UUID) -> None:
        """End a session as its owner signs out; nothing happens if it has ended."""
        self._store.end(session_id, person_id, EndReason.LOGOUT, self._clock())

    def end_all(self, person_id: UUID) -> int:
        """End all open sessions of a person; return how many there were."""
        return self._store.end_all(person_id, EndReason.REVOKED, self._clock())

    def open_of(self, person_id: UUID) -> Sequence[SessionRecord]:
        """Return the open sessions of a person, the one that was used last first."""
        return self._store.open_of(person_id, self._clock())
