"""Closes reading: who asks for data must send a key that admits to them.

It stands in front of both the hot path and Flask, so that neither can answer what the
other would refuse. Everything is closed but a short list: a route that somebody adds later
is closed until it is put there.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol

from order_service.contexts.access.errors import KeysUnavailableError
from order_service.contexts.access.keyring import Caller
from order_service.contexts.access.model import Scope

from .guard import Environ, Wsgi
from .metering import HttpMeter, count_refusal
from .problems import Headers, wsgi_problem

REALM = 'Bearer realm="order-service"'

_OPEN = frozenset(("/", "/favicon.ico", "/openapi.json", "/swagger"))
_OPEN_BELOW = ("/web/", "/swagger/", "/health/")
_SCHEME = "bearer "


class Keys(Protocol):
    """Knows the keys; :class:`access.keyring.Keyring` is one. Does not block. Thread-safe."""

    def caller(self, key: str) -> Caller | None:
        """Return whose key this is, None if it is nobody's.

        Raises:
            KeysUnavailableError: That cannot be known now.
        """


class _Refusal(NamedTuple):
    status: HTTPStatus
    detail: str
    headers: Headers


_MISSING = _Refusal(
    HTTPStatus.UNAUTHORIZED,
    "Reading needs a key: send it as `Authorization: Bearer <key>`.",
    [("WWW-Authenticate", REALM)],
)
_UNKNOWN = _Refusal(
    HTTPStatus.UNAUTHORIZED,
    "This key is not known, or was revoked.",
    [("WWW-Authenticate", f'{REALM}, error="invalid_token"')],
)
_UNAVAILABLE = _Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "The keys cannot be read now.",
    [("Retry-After", "1")],
)
_FORBIDDEN = {
    scope: _Refusal(
        HTTPStatus.FORBIDDEN,
        f"This key does not admit to {scope}.",
        [("WWW-Authenticate", f'{REALM}, error="insufficient_scope", scope="{scope}"')],
    )
    for scope in Scope
}


def scope_of(path: str) -> Scope | None:
    """Return the scope that reading `path` needs, None if it is open to all."""
    if path in _OPEN or path.startswith(_OPEN_BELOW):
        return None
    return Scope.METRICS_READ if path == "/metrics" else Scope.ORDERS_READ


class Authentication:
    """WSGI middleware that hands on what is open and what a key admits to.

    Args:
        app: Answers what is admitted.
        keys: Knows the keys.
        meter: Counts the refusals.
    """

    def __init__(self, app: Wsgi, keys: Keys, meter: HttpMeter) -> None:
        self._app = app
        self._caller = keys.caller
        self._meter = meter

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - as WSGI has it
        """Handle one request."""
        scope = scope_of(environ["PATH_INFO"])
        refusal = None if scope is None else self._examine(environ, scope)
        if refusal is None:
            return self._app(environ, start_response)
        status, headers, chunks = wsgi_problem(environ, *refusal)
        start_response(status, headers)
        count_refusal(self._meter, environ, refusal.status)
        return chunks

    def _examine(self, environ: Environ, scope: Scope) -> _Refusal | None:
        """Return why the request must not be answered, None if its key admits to it."""
        given: str = environ.get("HTTP_AUTHORIZATION", "")
        if given[: len(_SCHEME)].lower() != _SCHEME:
            return _MISSING
        try:
            caller = self._caller(given[len(_SCHEME) :].strip())
        except KeysUnavailableError:
            return _UNAVAILABLE
        if caller is None:
            return _UNKNOWN
        return None if scope in caller.scopes else _FORBIDDEN[scope]
