"""The body of an error: a problem of RFC 9457."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

CONTENT_TYPE = "application/problem+json"


def problem_body(
    status: int, detail: str, request_id: str, errors: Mapping[str, Any] | None = None
) -> bytes:
    """Return the JSON of a problem."""
    problem = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": errors or {},
        "request_id": request_id,
    }
    return msgspec.json.encode(problem)
