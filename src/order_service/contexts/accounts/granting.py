"""What somebody gets who signs in: a session, and the tokens of its first generation."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from .model import Client, Holder, NewSession, Tokens, new_id
from .refresh_tokens import RefreshToken
from .tokens.issuing import TokenIssuing
from .tokens.keys import TokenKeys


class Lifetimes(NamedTuple):
    """How long sessions live.

    Attributes:
        idle: Without being renewed.
        longest: However often they are renewed.
        grace: For how long the generation before the newest one gets the same successor again.
    """

    idle: timedelta
    longest: timedelta
    grace: timedelta = timedelta(seconds=10)


class Opening(NamedTuple):
    """A session that is to be kept, and the first refresh token of it, if it has one."""

    session: NewSession
    token: RefreshToken | None


class Granting:
    """Makes sessions and their tokens.

    Everything raises AccountsUnavailableError if the keys were never read.

    Args:
        keys: Returns the keys as they are now.
        issuing: Issues access tokens.
        lifetimes: How long sessions live.
    """

    def __init__(
        self, keys: Callable[[], TokenKeys], issuing: TokenIssuing, lifetimes: Lifetimes
    ) -> None:
        self._keys = keys
        self._issuing = issuing
        self._lifetimes = lifetimes

    def open(
        self, holder: Holder, client: Client, now: datetime, *, renewable: bool = True
    ) -> Opening:
        """Return a new session; one that cannot be renewed lives as long as its access token."""
        id_, refresh = new_id(), self._keys().refresh
        token = refresh.first(id_) if renewable else None
        life = self._lifetimes.longest if renewable else timedelta(seconds=self._issuing.lifetime)
        digest = token.digest if token else b""
        return Opening(NewSession(id_, holder.person_id, digest, now, now + life, client), token)

    def tokens(self, holder: Holder, opening: Opening) -> Tokens:
        """Return what the client of a session that was kept gets."""
        keys, session = self._keys(), opening.session
        return Tokens(
            holder.person_id,
            self._issuing.issue(keys.current, holder, session.id),
            keys.refresh.write(opening.token) if opening.token else "",
            self._issuing.lifetime,
            int((session.expires_at - session.created_at).total_seconds()),
        )

    def renewed(self, holder: Holder, token: RefreshToken) -> Tokens:
        """Return what the client of a session that was renewed gets."""
        keys = self._keys()
        return Tokens(
            holder.person_id,
            self._issuing.issue(keys.current, holder, token.session_id),
            keys.refresh.write(token),
            self._issuing.lifetime,
            int(self._lifetimes.idle.total_seconds()),
        )
