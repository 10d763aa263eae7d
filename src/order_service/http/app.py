"""The application factory: services in, a WSGI application out."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from flask import Flask, Response, request

from order_service.infra.tracing import traceparent
from order_service.metrics import Registry

from . import health, page, problems, swagger
from .access import OWN_ACCESS, Access, RouteAccess
from .api_part import ApiPart
from .fast_path import FastPaths
from .front import Door, Front
from .guard import Limits, RequestGuard
from .headers import REQUEST_ID
from .health import Readiness
from .metering import HttpMeter, instrument
from .openapi import describe
from .problem_faces import ProblemFaces
from .query import require_single_values
from .quick_path import QuickPaths
from .request_id import request_id_of
from .security import COMMON
from .server.site import Quick
from .tracing import TRACEPARENT

_log = structlog.get_logger(__name__)

_PARAMETER = re.compile("<[^>]+>")


@dataclass(frozen=True)
class ApiServices:
    """What the API is made of.

    Attributes:
        parts: What the contexts add.
        registry: Holds the metrics of this process.
        web_dir: Directory of the page.
        limits: Largest parts of a request.
        front: From where and how often may be asked.
    """

    parts: Sequence[ApiPart]
    registry: Registry
    web_dir: Path
    limits: Limits = field(default_factory=Limits)
    front: Front = field(default_factory=Front)


class ServiceApp(Flask):
    """Flask whose unexpected errors go into our log, found by their request id."""

    def log_exception(self, exc_info: Any) -> None:  # noqa: ANN401 - as Flask has it
        """Log an unexpected error with its traceback; the path may hold what a client made up."""
        _log.error("request failed", method=request.method, rule=_rule(), exc_info=exc_info)


def _rule() -> str | None:
    return request.url_rule.rule if request.url_rule else None


def bare_app(registry: Registry) -> tuple[ServiceApp, HttpMeter]:
    """Return an application without routes but `/metrics`: request ids, headers, problems."""
    app = ServiceApp(__name__, static_folder=None)
    # Otherwise a test or debug flag would show clients our tracebacks.
    app.config["PROPAGATE_EXCEPTIONS"] = False
    meter = instrument(app, registry)
    app.before_request(_begin)
    app.before_request(require_single_values)
    app.after_request(_finish)
    app.teardown_request(_end)
    problems.install(app)
    return app, meter


def _begin() -> None:
    structlog.contextvars.bind_contextvars(request_id=request_id_of(request.environ))
    trace = traceparent.parse(request.environ.get(TRACEPARENT))
    if trace is not None:
        structlog.contextvars.bind_contextvars(trace_id=trace.trace_id)


def _finish(response: Response) -> Response:
    for name, value in COMMON:
        response.headers.setdefault(name, value)
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    response.headers[REQUEST_ID] = request_id_of(request.environ)
    if response.mimetype == "text/html" and response.calculate_content_length() == 0:
        # What Flask takes for granted, of a body that is not there.
        del response.headers["Content-Type"]
    return response


def _end(_: BaseException | None) -> None:
    structlog.contextvars.unbind_contextvars("request_id", "trace_id")


class Application:
    """What the server serves.

    Args:
        whole: Answers every request.
        quick: Answers some without a thread of their own; None where each must pass a door.

    Attributes:
        quick: The same.
    """

    def __init__(self, whole: WSGIApplication, quick: Quick | None) -> None:
        self._whole = whole
        self.quick = quick

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request."""
        return self._whole(environ, start_response)


def create_wsgi(services: ApiServices) -> Application:
    """Return what the server serves: what closes the door, fast paths, guard, then Flask.

    Raises:
        ValueError: Nobody has said who may ask for a route.
    """
    parts = services.parts
    app, meter = _create(services)
    guarded = RequestGuard(app.wsgi_app, services.limits, meter)
    fast_paths = [fast for part in parts for fast in part.fast_paths]
    inner: WSGIApplication = FastPaths(guarded, fast_paths, meter) if fast_paths else guarded
    access = _access(app, parts)
    door = Door(
        [each for part in parts for each in part.authenticators],
        access,
        _methods(app),
    )
    whole = services.front.before(inner, door, meter)
    faces = {path: face for part in parts for path, face in part.problem_faces.items()}
    quick_paths = [
        fast
        for fast in fast_paths
        if services.front.lets_all_through
        and not access.is_personal(fast.prefix)
        and not fast.prefix.startswith(tuple(faces))
    ]
    return Application(
        ProblemFaces(whole, faces) if faces else whole,
        QuickPaths(quick_paths, meter) if quick_paths else None,
    )


def _create(services: ApiServices) -> tuple[Flask, HttpMeter]:
    app, meter = bare_app(services.registry)
    # The guard sees the length that a body tells; a chunked one tells none.
    app.config["MAX_CONTENT_LENGTH"] = services.limits.body
    api = describe(app, services.parts, closed=bool(services.front.credentials))
    for part in services.parts:
        for blueprint in part.blueprints:
            api.register_blueprint(blueprint)
    api.register_blueprint(health.create_blueprint(_readiness(services.parts)))
    app.register_blueprint(swagger.create_blueprint())
    app.register_blueprint(page.create_blueprint(services.web_dir))
    return app, meter


def _readiness(parts: Sequence[ApiPart]) -> Readiness:
    return Readiness(
        [check for part in parts for check in part.checks],
        [condition for part in parts for condition in part.conditions],
    )


def _access(app: Flask, parts: Sequence[ApiPart]) -> RouteAccess:
    """Return the rules of all routes; one that nobody has claimed may be open by mistake."""
    rules: dict[str, Access | None] = dict(OWN_ACCESS)
    for part in parts:
        rules |= part.access
    access = RouteAccess(rules)
    for rule in app.url_map.iter_rules():
        if access.of(_PARAMETER.sub("x", rule.rule)) is RouteAccess.UNCLAIMED:
            raise ValueError(f"nobody has said who may ask for the route {rule.rule}")
    return access


def _methods(app: Flask) -> set[str]:
    """Return the methods that some route takes; asking for them is no matter of any route."""
    return {method for rule in app.url_map.iter_rules() for method in rule.methods or ()} - {
        "OPTIONS"
    }
