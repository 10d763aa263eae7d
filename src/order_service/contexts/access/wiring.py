"""The keys of programs: read as the service's role, changed as the one that migrates."""

from collections.abc import Mapping

from order_service.context.checks import CallCheck
from order_service.context.process import Process
from order_service.http.api_part import ApiPart
from order_service.http.authentication import API_KEY, CredentialsUnavailableError, Principal

from .errors import KeysUnavailableError
from .issuing import KeyIssuing
from .keyring import Keyring
from .postgres import PostgresKeys

_REFRESH = 1.0
"""Seconds between two readings of the keys: a revoked key works for at most as long."""

SECURITY_SCHEMES: Mapping[str, Mapping[str, object]] = {
    "apiKey": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "osk_ and 43 letters, digits, - and _",
        "description": "A key with the scope that the route needs, made by `order-service keys "
        "create`. Needed where the service is configured with `http.auth: api_key`.",
    }
}


class KeyAuthenticator:
    """Implements :class:`http.authentication.Authenticator`."""

    kind = API_KEY

    def __init__(self, keyring: Keyring) -> None:
        self._caller = keyring.caller

    def principal(self, credential: str, *, fresh: bool) -> Principal | None:  # noqa: ARG002
        """See :meth:`http.authentication.Authenticator.principal`.

        The copy of the keys is at most a second old, which is fresh enough for programs: no route
        of theirs moves money.
        """
        try:
            caller = self._caller(credential)
        except KeysUnavailableError as error:
            raise CredentialsUnavailableError(str(error)) from error
        return Principal(*caller) if caller else None


def open_api(process: Process) -> ApiPart:
    """Return what closes the API to programs without a key, if the configuration wants that."""
    if API_KEY not in process.config.http.credentials:
        return ApiPart(security_schemes=SECURITY_SCHEMES)
    # One connection of its own: on another pool the keys would wait behind requests, and a fault
    # of one would open the circuit of the other.
    keyring = Keyring(PostgresKeys(process.database(1)), _REFRESH, process.stopping)
    process.ends(keyring.start())
    return ApiPart(
        authenticators=[KeyAuthenticator(keyring)],
        conditions=[CallCheck("keys", keyring.check, required=True)],
        security_schemes=SECURITY_SCHEMES,
    )


def key_issuing(process: Process) -> KeyIssuing:
    """Return what makes and ends keys, for operators."""
    return KeyIssuing(PostgresKeys(process.admin_database()))
