"""The description of the API: OpenAPI 3.1, made from the routes and their schemas."""

from importlib.metadata import PackageNotFoundError, version

from flask import Flask, Response
from flask_smorest import Api
from werkzeug.exceptions import HTTPException

from .problems import CONTENT_TYPE, ProblemSchema, problem_response

# flask-smorest has names of its own (NOT_FOUND, ...) for answers that are not ours.
_PROBLEMS = {
    "Malformed": "The request is malformed; `errors` says where",
    "NotFound": "There is no such thing",
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


class ServiceApi(Api):
    """flask-smorest's API, with our problems in place of its errors."""

    DEFAULT_ERROR_RESPONSE_NAME = "Problem"

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Return the problem for `error`."""
        return problem_response(error)


def describe(app: Flask) -> ServiceApi:
    """Serve `/openapi.json` and return the API that blueprints are registered with."""
    app.config.update(
        API_TITLE="Order Service",
        API_VERSION=_version(),
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        API_SPEC_OPTIONS={"info": {"description": "Orders of the shops, looked up by id."}},
    )
    api = ServiceApi(app)
    api.spec.components.header("X-Request-ID", _REQUEST_ID)
    for name, description in _PROBLEMS.items():
        api.spec.components.response(name, _problem(name, description))
    return api


def _problem(name: str, description: str) -> dict[str, object]:
    headers: dict[str, object] = {"X-Request-ID": "X-Request-ID"}
    if name == "Unavailable":
        headers["Retry-After"] = _RETRY_AFTER
    content = {CONTENT_TYPE: {"schema": ProblemSchema}}
    return {"description": description, "headers": headers, "content": content}


def _version() -> str:
    """Return the version of the installed package; sources that nobody installed have none."""
    try:
        return version("order-service")
    except PackageNotFoundError:
        return "0+unknown"
