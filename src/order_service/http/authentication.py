"""Closes the API: who asks for what is not open must send a credential that admits to it.

It stands in front of the fast paths and of Flask, so that neither can answer what the other would
refuse. Everything is closed but what says that it is open: a route that somebody adds and that no
context has claimed keeps the service from starting.
"""

from collections.abc import Collection, Iterable, Sequence
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import NamedTuple, Protocol
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from .access import Access, RouteAccess
from .answer import Headers
from .headers import RETRY_AFTER
from .metering import HttpMeter
from .refusal import refuse

REALM = 'Bearer realm="order-service"'

API_KEY, TOKEN = "api_key", "token"
"""The kinds of credentials: that of a program, and that of a person."""

_SCHEME = "bearer "
_PRINCIPAL = "order_service.principal"


class CredentialsUnavailableError(Exception):
    """Whether a credential is valid cannot be known now."""


class Principal(NamedTuple):
    """Who asks.

    Attributes:
        subject: Name of the key, or id of the person.
        scopes: What the credential admits to.
        kind: API_KEY or TOKEN.
        session: What the token was issued for; empty for a key.
        admin: Whether it is a person who administers the shop.
    """

    subject: str
    scopes: frozenset[str]
    kind: str = API_KEY
    session: str = ""
    admin: bool = False


class Authenticator(Protocol):
    """Knows one kind of credentials. Thread-safe."""

    @property
    def kind(self) -> str:
        """API_KEY or TOKEN."""

    def principal(self, credential: str, *, fresh: bool) -> Principal | None:
        """Return whose credential this is, None if it is nobody's that is known here.

        Args:
            credential: What the client sent.
            fresh: Whether to ask where it is kept, which may block within its deadlines. Otherwise
                what is known here counts, and nothing blocks.

        Raises:
            CredentialsUnavailableError: That cannot be known now.
        """


def principal_of(environ: WSGIEnvironment) -> Principal | None:
    """Return who asks; None on an open route, or where nobody needs a credential."""
    found: Principal | None = environ.get(_PRINCIPAL)
    return found


class _Refusal(NamedTuple):
    status: HTTPStatus
    detail: str
    headers: Headers


_MISSING = _Refusal(
    HTTPStatus.UNAUTHORIZED,
    "This needs a credential: send it as `Authorization: Bearer <key or token>`.",
    [("WWW-Authenticate", REALM)],
)
_UNKNOWN = _Refusal(
    HTTPStatus.UNAUTHORIZED,
    "This credential is not known, has expired, or was revoked.",
    [("WWW-Authenticate", f'{REALM}, error="invalid_token"')],
)
_UNAVAILABLE = _Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Credentials cannot be checked now.",
    [(RETRY_AFTER, "1")],
)


def _forbidden(scope: str) -> _Refusal:
    return _Refusal(
        HTTPStatus.FORBIDDEN,
        f"This credential does not admit to {scope}.",
        [("WWW-Authenticate", f'{REALM}, error="insufficient_scope", scope="{scope}"')],
    )


class Authentication:
    """WSGI middleware that hands on what is open and what a credential admits to.

    Args:
        app: Answers what is admitted.
        authenticators: Know the credentials; asked in turn.
        kinds: The kinds of credentials that open what is not personal; with none, that is open.
        access: The rules of the paths.
        meter: Counts the refusals.
    """

    def __init__(
        self,
        app: WSGIApplication,
        authenticators: Sequence[Authenticator],
        kinds: Collection[str],
        access: RouteAccess,
        meter: HttpMeter,
    ) -> None:
        self._app = app
        self._general = [each for each in authenticators if each.kind in kinds]
        self._personal = [each for each in authenticators if each.kind == TOKEN]
        self._closed = bool(kinds)
        self._rule_of = access.of
        self._meter = meter

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request."""
        rule = self._rule_of(environ["PATH_INFO"])
        refusal = None
        if rule is not None and (self._closed or rule.personal):
            refusal = self._examine(environ, rule)
        if refusal is None:
            return self._app(environ, start_response)
        return refuse(environ, start_response, self._meter, *refusal)

    def _examine(self, environ: WSGIEnvironment, rule: Access) -> _Refusal | None:
        """Return why the request must not be answered, None if its credential admits to it."""
        credential = _credential(environ, rule.cookie)
        if not credential:
            return _MISSING
        try:
            principal = self._principal(credential, rule)
        except CredentialsUnavailableError:
            return _UNAVAILABLE
        if principal is None:
            return _UNKNOWN
        if rule.scopes and principal.scopes.isdisjoint(rule.scopes):
            return _forbidden(rule.scopes[0])
        environ[_PRINCIPAL] = principal
        return None

    def _principal(self, credential: str, rule: Access) -> Principal | None:
        """Return whose credential it is; one that cannot be asked hides none that knows it."""
        away: CredentialsUnavailableError | None = None
        for authenticator in self._personal if rule.personal else self._general:
            try:
                if principal := authenticator.principal(credential, fresh=rule.fresh):
                    return principal
            except CredentialsUnavailableError as error:
                away = error
        if away is not None:
            raise away
        return None


def _credential(environ: WSGIEnvironment, cookie: str) -> str:
    """Return what the client sent as its credential, empty if nothing."""
    given: str = environ.get("HTTP_AUTHORIZATION", "")
    if given[: len(_SCHEME)].lower() == _SCHEME:
        return given[len(_SCHEME) :].strip()
    return _cookie(environ, cookie) if cookie and not given else ""


def _cookie(environ: WSGIEnvironment, name: str) -> str:
    try:
        found = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(name)
    except CookieError:
        return ""
    return found.value if found else ""
