"""What the documentation of routes has in common, whatever their context."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from flask_smorest import Blueprint
from marshmallow import Schema

from .problem_document import CONTENT_TYPE
from .problems import PROBLEM

_View = TypeVar("_View", bound=Callable[..., object])

TEXT = {"type": "string"}
UUID_TEXT = {"type": "string", "format": "uuid"}


def parameter(
    place: str, name: str, description: str, schema: Mapping[str, object], example: object = None
) -> dict[str, object]:
    """Return the documentation of a parameter.

    Args:
        place: ``path``, ``query`` or ``header``.
        name: Its name.
        description: What it is.
        schema: Its type.
        example: A value; None for no example.
    """
    told: dict[str, object] = {
        "in": place,
        "name": name,
        "description": description,
        "schema": schema,
    }
    return told if example is None else {**told, "example": example}


def page_limit(noun: str) -> Mapping[str, object]:
    """Return the documentation of `limit` for pages of 20 things, or at most 100."""
    schema = {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
    return parameter("query", "limit", f"Most {noun} on one page", schema, 20)


def page_cursor(pattern: str, example: str) -> Mapping[str, object]:
    """Return the documentation of `cursor`."""
    schema = {"type": "string", "pattern": pattern}
    return parameter("query", "cursor", "`next_cursor` of the page before", schema, example)


IDEMPOTENCY_KEY = parameter(
    "header",
    "Idempotency-Key",
    "Sent again within 24 hours with the same request, it gets the same answer and "
    "has no further effect. Without it a request that is sent again counts as another one",
    {"type": "string", "minLength": 1, "maxLength": 255},
    "5a1e7c4e-7f0b-4c5e-8a3d-1f2e3d4c5b6a",
)

_ALWAYS = {400: "Malformed", 401: "Unauthorized", 403: "Forbidden", 503: "Unavailable"}


def takes(schema: type[Schema]) -> Mapping[str, object]:
    """Return the documentation of a JSON body."""
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def problems(blueprint: Blueprint, descriptions: Mapping[int, str]) -> Callable[[_View], _View]:
    """Document the answers that every closed route can have, and some of one's own.

    Args:
        blueprint: Whose view it is.
        descriptions: By status.
    """

    def document(view: _View) -> _View:
        for status, name in _ALWAYS.items():
            if status not in descriptions:
                view = blueprint.alt_response(status, name)(view)
        for status, description in descriptions.items():
            view = blueprint.alt_response(
                status, schema=PROBLEM, content_type=CONTENT_TYPE, description=description
            )(view)
        return view

    return document
