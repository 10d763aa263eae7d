"""What the routes stand on."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Request

from order_service.contexts.accounts.model import Client
from order_service.contexts.accounts.passwords import PasswordPolicy
from order_service.contexts.accounts.ports import AuditTrail, PersonStore
from order_service.contexts.accounts.sessions import Sessions
from order_service.contexts.accounts.signing_in import SigningIn
from order_service.contexts.accounts.tokens.keys import TokenKeys
from order_service.contexts.accounts.tokens.verification import TokenVerification
from order_service.http.rate_limit import ClientAddress


@dataclass(frozen=True)
class AccountsServices:
    """What the routes call.

    Attributes:
        signing_in: Registers people and signs them in.
        sessions: Renews, shows and ends sessions.
        people: Who is registered.
        trail: Their sign-ins.
        verification: Checks access tokens.
        keys: Returns the keys as they are now.
        policy: Which passwords may be chosen.
        addresses: Tells where a request comes from.
        secure_cookies: Whether browsers may send our cookies over TLS alone.
    """

    signing_in: SigningIn
    sessions: Sessions
    people: PersonStore
    trail: AuditTrail
    verification: TokenVerification
    keys: Callable[[], TokenKeys]
    policy: PasswordPolicy
    addresses: ClientAddress
    secure_cookies: bool = True

    def client_of(self, request: Request) -> Client:
        """Return from where somebody asks."""
        address = self.addresses.of(request.environ)
        return Client.of(address, request.headers.get("User-Agent", ""))
