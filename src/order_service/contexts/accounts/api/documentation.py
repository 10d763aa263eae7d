"""What the description of the API says about the answers of `/auth/*`."""

from collections.abc import Callable
from typing import TypeVar

from flask_smorest import Blueprint

from order_service.http.documentation import TEXT, parameter
from order_service.http.problem_document import CONTENT_TYPE

from .schemas import AuthProblemSchema

View = TypeVar("View", bound=Callable[..., object])

HEADERS: dict[str, object] = {
    "Cache-Control": {"description": "`no-store`", "schema": {"type": "string"}},
    "X-Request-ID": "X-Request-ID",
}
_RETRY_AFTER = {
    "description": "Seconds after which to try again",
    "schema": {"type": "integer", "minimum": 1},
}
_CHALLENGE = {
    "description": "As in RFC 6750",
    "schema": {"type": "string", "example": 'Bearer realm="order-service"'},
}
_PROBLEM = AuthProblemSchema()
_PROBLEMS: dict[int, tuple[str, dict[str, object]]] = {
    400: ("The request is malformed; `errors` says where", {}),
    401: ("Wrong login or password, or no valid token", {"WWW-Authenticate": _CHALLENGE}),
    403: ("The account is disabled, or the request may not do this", {}),
    404: ("There is no such thing", {}),
    409: ("The login is taken", {}),
    422: ("Something that was given breaks a rule; `errors` says what", {}),
    429: ("Too many attempts", {"Retry-After": _RETRY_AFTER}),
    503: ("It cannot be known now", {"Retry-After": _RETRY_AFTER}),
}

SESSION_HEADER = parameter(
    "header",
    "X-Session",
    "`cookie`: the refresh token stays in an HttpOnly cookie of the browser",
    TEXT,
    "cookie",
) | {"required": False}


def problems(blueprint: Blueprint, *statuses: int) -> Callable[[View], View]:
    """Return a decorator that documents these errors of a view."""

    def documented(view: View) -> View:
        for status in statuses:
            description, headers = _PROBLEMS[status]
            view = blueprint.alt_response(
                status,
                schema=_PROBLEM,
                content_type=CONTENT_TYPE,
                description=description,
                headers={"X-Request-ID": "X-Request-ID", **headers},
            )(view)
        return view

    return documented
