"""People's tokens as the door of the API sees them."""

from order_service.contexts.accounts.errors import AccountsUnavailableError, InvalidTokenError
from order_service.contexts.accounts.freshness import require_standing
from order_service.contexts.accounts.ports import Clock, SessionStore
from order_service.contexts.accounts.tokens.verification import TokenVerification
from order_service.http.authentication import TOKEN, CredentialsUnavailableError, Principal


class TokenAuthenticator:
    """Implements :class:`http.authentication.Authenticator`.

    Args:
        verification: Checks tokens.
        sessions: Asked at once where that is demanded.
        clock: The time now.
    """

    kind = TOKEN

    def __init__(
        self, verification: TokenVerification, sessions: SessionStore, clock: Clock
    ) -> None:
        self._verify = verification.verify
        self._sessions = sessions
        self._clock = clock

    def principal(self, credential: str, *, fresh: bool) -> Principal | None:
        """See :meth:`http.authentication.Authenticator.principal`."""
        try:
            identity = self._verify(credential)
            if fresh:
                require_standing(identity, self._sessions, self._clock)
        except InvalidTokenError:
            return None
        except AccountsUnavailableError as error:
            raise CredentialsUnavailableError(str(error)) from error
        return Principal(
            identity.person_id, identity.scopes, TOKEN, identity.session_id, identity.admin
        )
