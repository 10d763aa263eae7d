"""What all query strings have in common: each parameter once, and numbers as ASCII has them."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, TypeVar

from flask import request
from flask_smorest import abort
from marshmallow import fields

from .bodies import invalid

T = TypeVar("T")

is_number = re.compile(r"[0-9]{1,18}\Z").match

_INTEGER = re.compile(r"-?[0-9]{1,20}\Z")


class QueryInteger(fields.Integer):
    """An integer in a query: Python's own `int` also takes blanks, underscores, all scripts."""

    def _validated(self, value: Any) -> int:  # noqa: ANN401 - as marshmallow has it
        if isinstance(value, str) and _INTEGER.match(value) is None:
            raise self.make_error("invalid", input=value)
        return super()._validated(value)


def limit_of_request(longest: int, usual: T) -> int | T:
    """Return how long a page shall be; `usual` if the request does not say.

    Raises:
        HTTPException: 400 if no page can be so long.
    """
    text = request.args.get("limit")
    if text is None:
        return usual
    if not is_number(text) or not 1 <= int(text) <= longest:
        invalid("query", "limit", f"must be 1 to {longest}")
    return int(text)


def before_of_request(problem: str) -> int | None:
    """Return the id before which a page begins, None for the first page.

    Args:
        problem: What is said of a cursor that is none.

    Raises:
        HTTPException: 400 if it is none.
    """
    text = request.args.get("cursor")
    if text is not None and not is_number(text):
        invalid("query", "cursor", problem)
    return None if text is None else int(text)


def require_single_values() -> None:
    """Refuse a query that names a parameter twice: whichever counted, someone would be wrong.

    Raises:
        HTTPException: 400; not for an address that there is none of, which stays 404.
    """
    if request.routing_exception is not None:
        return
    repeated = [name for name, values in request.args.lists() if len(values) > 1]
    if repeated:
        errors: Mapping[str, Any] = {name: ["Is given more than once."] for name in repeated}
        abort(
            HTTPStatus.BAD_REQUEST,
            message="A parameter of the query is given more than once.",
            errors={"query": errors},
        )
