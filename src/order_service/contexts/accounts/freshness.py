"""Asks at once whether a session stands, where a token's own word is not enough."""

from uuid import UUID

from .errors import InvalidTokenError
from .ports import Clock, SessionStore
from .tokens.claims import Identity


def require_standing(identity: Identity, sessions: SessionStore, clock: Clock) -> None:
    """Return if the session is open and the person is what the token says. Blocks.

    Raises:
        InvalidTokenError: The session has ended, or the person is disabled or no admin any more.
        AccountsUnavailableError: It cannot be known now: the request must not be answered.
    """
    holder = sessions.standing(UUID(identity.session_id), clock())
    if holder is None or str(holder.person_id) != identity.person_id:
        raise InvalidTokenError("its session has ended")
    if identity.admin and not holder.admin:
        raise InvalidTokenError("its rights were taken away")
