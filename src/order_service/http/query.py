"""What all query strings have in common: each parameter once, and numbers as ASCII has them."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import request
from flask_smorest import abort
from marshmallow import fields

_INTEGER = re.compile(r"-?[0-9]{1,20}\Z")


class QueryInteger(fields.Integer):
    """An integer in a query: Python's own `int` also takes blanks, underscores, all scripts."""

    def _validated(self, value: Any) -> int:  # noqa: ANN401 - as marshmallow has it
        if isinstance(value, str) and _INTEGER.match(value) is None:
            raise self.make_error("invalid", input=value)
        return super()._validated(value)


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
