"""Access tokens: what they say, and for how long."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

from order_service.contexts.accounts.model import Holder, new_id

from .claims import TOKEN_TYPE, Audience
from .keys import HS256, SigningKey


class Scopes(NamedTuple):
    """What tokens admit to, as they say it: names with a space between them."""

    customer: str
    admin: str


class TokenIssuing:
    """Issues access tokens.

    Args:
        audience: What they say of who issues and who accepts them.
        scopes: What a customer's and an admin's token admit to.
        lifetime: Seconds for which they are valid.
        clock: Unix time.
    """

    def __init__(
        self,
        audience: Audience,
        scopes: Scopes,
        lifetime: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._audience = audience
        self._scopes = scopes
        self.lifetime = lifetime
        self._clock = clock

    def issue(self, key: SigningKey, holder: Holder, session_id: UUID) -> str:
        """Return a token for a session of a person, signed with `key`."""
        issued_at = int(self._clock())
        claims: dict[str, Any] = {
            "iss": self._audience.issuer,
            "aud": self._audience.audience,
            "sub": str(holder.person_id),
            "sid": str(session_id),
            "jti": str(new_id()),
            "iat": issued_at,
            "exp": issued_at + self.lifetime,
            "token_type": TOKEN_TYPE,
            "scope": self._scopes.admin if holder.admin else self._scopes.customer,
            "admin": holder.admin,
        }
        return key.sign(claims | _older_clients(holder) if key.algorithm == HS256 else claims)


def _older_clients(holder: Holder) -> dict[str, Any]:
    """Return the claims that clients of the shared secret know a person by."""
    return {"uid": str(holder.person_id), "email": holder.email or ""}
