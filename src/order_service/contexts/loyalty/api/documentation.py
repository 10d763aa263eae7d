"""How the views of this context are documented."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from flask_smorest import Blueprint
from marshmallow import Schema

from order_service.http.problems import CONTENT_TYPE, ProblemSchema

_View = TypeVar("_View", bound=Callable[..., object])

IDEMPOTENCY_KEY: Mapping[str, object] = {
    "in": "header",
    "name": "Idempotency-Key",
    "description": "Sent again within 24 hours with the same request, it gets the same answer and "
    "has no further effect",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "example": "5a1e7c4e-7f0b-4c5e-8a3d-1f2e3d4c5b6a",
}
LIMIT: Mapping[str, object] = {
    "in": "query",
    "name": "limit",
    "description": "How long a page shall be. Without it the whole list is given",
    "schema": {"type": "integer", "minimum": 1, "maximum": 1000},
}


def _cursor(pattern: str) -> Mapping[str, object]:
    return {
        "in": "query",
        "name": "cursor",
        "description": "Where the page begins: from the `Link` header of the page before",
        "schema": {"type": "string", "pattern": pattern},
    }


NUMBER_CURSOR = _cursor(r"^[0-9]{1,17}\.[0-9]{1,255}$")
ENTRY_CURSOR = _cursor("^[0-9]{1,18}$")
PERSON: Mapping[str, object] = {
    "in": "path",
    "name": "owner",
    "description": "Whose points",
    "schema": {"type": "string", "format": "uuid"},
    "example": "0193667b-7c11-7a52-9d4e-6f1f2b3c4d5e",
}
LINK: Mapping[str, object] = {
    "Link": {
        "description": 'The next page, `rel="next"` (RFC 8288); missing on the last one',
        "schema": {"type": "string"},
    }
}


def takes(schema: type[Schema]) -> Mapping[str, object]:
    """Return the documentation of a JSON body."""
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def problems(blueprint: Blueprint, **descriptions: str) -> Callable[[_View], _View]:
    """Document the answers that every route here can have, and some of one's own.

    Args:
        blueprint: Whose view it is.
        descriptions: By status, such as ``s402``.
    """

    def document(view: _View) -> _View:
        for status, name in (
            (400, "Malformed"), (401, "Unauthorized"), (403, "Forbidden"), (503, "Unavailable"),
        ):  # fmt: skip
            view = blueprint.alt_response(status, name)(view)
        for status_text, description in descriptions.items():
            view = blueprint.alt_response(
                int(status_text[1:]),
                schema=ProblemSchema,
                content_type=CONTENT_TYPE,
                description=description,
            )(view)
        return view

    return document
