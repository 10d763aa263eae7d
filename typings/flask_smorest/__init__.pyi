# The part of flask-smorest that we use; the package carries no types of its own.
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, TypeAlias, TypeVar

import flask
from apispec import APISpec
from flask import Flask
from marshmallow import Schema
from werkzeug.exceptions import HTTPException

_View = TypeVar("_View", bound=Callable[..., object])
_SchemaLike: TypeAlias = Schema | type[Schema] | None

class Blueprint(flask.Blueprint):
    def __init__(
        self, name: str, import_name: str, *, url_prefix: str | None = None, description: str = ""
    ) -> None: ...
    def route(
        self,
        rule: str,
        *,
        parameters: Sequence[Mapping[str, object]] | None = None,
        **options: object,
    ) -> Callable[[_View], _View]: ...
    def response(
        self,
        status_code: int,
        schema: _SchemaLike = None,
        *,
        content_type: str | None = None,
        description: str | None = None,
        example: object = None,
        headers: Mapping[str, object] | None = None,
    ) -> Callable[[_View], _View]: ...
    def alt_response(
        self,
        status_code: int,
        response: str | None = None,
        *,
        schema: _SchemaLike = None,
        content_type: str | None = None,
        description: str | None = None,
        headers: Mapping[str, object] | None = None,
    ) -> Callable[[_View], _View]: ...
    def arguments(
        self,
        schema: _SchemaLike,
        *,
        location: str = "json",
        unknown: str | None,
        error_status_code: int = 422,
        required: bool = True,
    ) -> Callable[[Callable[..., object]], Callable[..., object]]: ...
    def doc(self, **kwargs: object) -> Callable[[_View], _View]: ...

class Api:
    DEFAULT_ERROR_RESPONSE_NAME: str | None
    spec: APISpec
    def __init__(self, app: Flask) -> None: ...
    def register_blueprint(self, blp: Blueprint) -> None: ...
    def handle_http_exception(self, error: HTTPException) -> flask.Response: ...

def abort(http_status_code: int, exc: Exception | None = None, **kwargs: object) -> NoReturn: ...
