"""The description of the API: OpenAPI 3.1, made from the routes and their schemas."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from flask import Flask, Response
from flask_smorest import Api
from werkzeug.exceptions import HTTPException

from .api_part import ApiPart
from .headers import REQUEST_ID, RETRY_AFTER
from .problem_document import CONTENT_TYPE
from .problems import PROBLEM, problem_response

# flask-smorest has names of its own (NOT_FOUND, ...) for answers that are not ours.
_PROBLEMS = {
    "Malformed": "The request is malformed; `errors` says where",
    "Unauthorized": "The request has no credential, or none that is valid",
    "Forbidden": "The key does not admit to this",
    "NotFound": "There is no such thing",
    "TooManyRequests": "This client asks too often; ask again after `Retry-After` seconds",
    "Unavailable": "It cannot be known now; ask again after `Retry-After` seconds",
    "Problem": "Any other error",
}
_REQUEST_ID = {
    "description": "Id of the request: the client's own if it sent a harmless one",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
}
_RETRY_AFTER = {
    "description": "Seconds after which to ask again",
    "schema": {"type": "integer", "minimum": 1},
}
_CHALLENGE = {
    "description": "How to send a key, and what was wrong with the one that was sent (RFC 6750)",
    "schema": {"type": "string", "example": 'Bearer realm="order-service"'},
}
_OWN_HEADERS: dict[str, dict[str, object]] = {
    "Unauthorized": {"WWW-Authenticate": _CHALLENGE},
    "Forbidden": {"WWW-Authenticate": _CHALLENGE},
    "TooManyRequests": {RETRY_AFTER: _RETRY_AFTER},
    "Unavailable": {RETRY_AFTER: _RETRY_AFTER},
}
_DESCRIPTION = """\
**Versions.** This is version 1 of the API. Within it changes are additive only: new routes, new
optional parameters, new members of objects, new headers, new problem details. Clients must ignore
members and headers that they do not know. Nothing is removed, renamed, made required or given
another meaning; what would need that appears under a new path (`/v2/...`) beside this one, and the
old one stays for at least six months, marked with the headers `Deprecation` (RFC 9745) and `Sunset`
(RFC 8594). `info.version` is the version of the service.

**Errors** are problem documents (RFC 9457) with the content type `application/problem+json`.
"""


class ServiceApi(Api):
    """flask-smorest's API, with our problems in place of its errors."""

    DEFAULT_ERROR_RESPONSE_NAME = "Problem"
    ERROR_SCHEMA = PROBLEM

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Return the problem for `error`."""
        return problem_response(error)


def describe(app: Flask, parts: Sequence[ApiPart], *, closed: bool) -> ServiceApi:
    """Serve `/openapi.json` and return the API that the parts' blueprints are registered with.

    Args:
        app: Where it is served.
        parts: What the contexts add.
        closed: Whether a credential is needed even for what is not personal.
    """
    schemes = {
        name: dict(scheme) for part in parts for name, scheme in part.security_schemes.items()
    }
    app.config.update(
        API_TITLE="Order Service",
        API_VERSION=_version(),
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        API_SPEC_OPTIONS={
            "info": {
                "description": "\n\n".join(
                    [*(p.description for p in parts if p.description), _DESCRIPTION]
                ),
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            "servers": [{"url": "/", "description": "The service that this document is from"}],
            "security": [*([] if closed else [{}]), *({name: []} for name in schemes)],
        },
    )
    api = ServiceApi(app)
    # Of flask-smorest's own answers.
    api.spec.components.schemas.pop("PaginationMetadata", None)
    for name, scheme in schemes.items():
        api.spec.components.security_scheme(name, scheme)
    api.spec.components.header(REQUEST_ID, _REQUEST_ID)
    for name, description in _PROBLEMS.items():
        api.spec.components.response(name, _problem(name, description))
    return api


def _problem(name: str, description: str) -> dict[str, object]:
    headers: dict[str, object] = {REQUEST_ID: REQUEST_ID, **_OWN_HEADERS.get(name, {})}
    content = {CONTENT_TYPE: {"schema": PROBLEM}}
    return {"description": description, "headers": headers, "content": content}


def _version() -> str:
    """Return the version of the installed package; sources that nobody installed have none."""
    try:
        return version("order-service")
    except PackageNotFoundError:
        return "0+unknown"
