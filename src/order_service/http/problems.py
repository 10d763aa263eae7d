"""Errors as RFC 9457 problems: one shape for all, inside Flask and in front of it.

``type`` stays ``about:blank``: the status code and ``errors`` say all that a program needs.
Nothing of an unexpected error reaches the client but the request id, which finds its
traceback in the log.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from wsgiref.types import WSGIEnvironment

from flask import Flask, Response, request
from marshmallow import fields
from werkzeug.exceptions import HTTPException

from .answer import Answer, Headers
from .problem_document import CONTENT_TYPE, problem_body
from .request_id import request_id_of
from .schemas import TitledSchema, said
from .security import COMMON

_HEADERS = (("Content-Type", CONTENT_TYPE), ("Cache-Control", "no-store"))


class ProblemSchema(TitledSchema):
    """A problem as in RFC 9457."""

    type = fields.String(**said("Kind of the problem", "about:blank"))
    title = fields.String(**said("The status in words", "Not Found"))
    status = fields.Integer(**said("The HTTP status", 404))
    detail = fields.String(**said("What happened, for people", "There is no order with this id."))
    errors = fields.Dict(
        required=True,
        metadata={
            "description": "Faults of the request: place, then parameter, then messages",
            "example": {"query": {"limit": ["Not a valid integer."]}},
        },
    )
    request_id = fields.String(
        **said(
            "Finds this request in the log; also in `X-Request-ID`",
            "5f1c0e1a7c0b4f3f9f5a1d2e3c4b5a69",
        )
    )


PROBLEM = ProblemSchema()
"""For documentation: to make one for each answer of each route would take longer than the rest."""


def problem_response(error: HTTPException) -> Response:
    """Return the response for an HTTP error of Flask, werkzeug, flask-smorest or webargs.

    Headers that belong to the error, such as Allow and Retry-After, are kept.
    """
    data: Mapping[str, Any] = getattr(error, "data", None) or {}
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    body = problem_body(
        status,
        _detail(error, data),
        request_id_of(request.environ),
        data.get("errors") or data.get("messages"),
    )
    response = Response(body, status)
    response.headers.extend(_own_headers(error))
    response.headers.update(data.get("headers") or {})
    response.headers.update(_HEADERS)
    return response


def _detail(error: HTTPException, data: Mapping[str, Any]) -> str:
    if "messages" in data:  # webargs, which leaves werkzeug's words about browsers
        return "The request is malformed; see errors."
    return str(data.get("message") or error.description or "")


def _own_headers(error: HTTPException) -> Sequence[tuple[str, str]]:
    return [(name, value) for name, value in error.get_headers() if name != "Content-Type"]


def problem_answer(
    environ: WSGIEnvironment, status: HTTPStatus, detail: str, more: Headers | None = None
) -> Answer:
    """Return a problem that is answered without Flask's error handling.

    The headers are those of all problems, and `more`; the request id comes with the sending.
    """
    body = problem_body(status, detail, request_id_of(environ))
    headers = [*_HEADERS, *COMMON, *(more or ()), ("Content-Length", str(len(body)))]
    return Answer(f"{status.value} {status.phrase}", headers, body)


def install(app: Flask) -> None:
    """Answer every error of `app` with a problem; unexpected ones become a 500."""
    app.register_error_handler(HTTPException, problem_response)
