"""The application factory: services in, a WSGI application out."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from flask import Flask, Response, request

from order_service.contexts.orders import api as orders_api
from order_service.contexts.orders.api import ListLimits, OrderLookup, Representation
from order_service.infra.tracing import traceparent
from order_service.metrics import Registry

from . import health, page, problems, swagger
from .front import Front
from .guard import Limits, RequestGuard, Wsgi
from .health import Readiness
from .hot_path import HotPath
from .metering import HttpMeter, instrument
from .openapi import describe
from .request_id import HEADER, request_id_of
from .security import COMMON
from .tracing import TRACEPARENT

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ApiServices:
    """What the API needs; bootstrap makes it.

    Attributes:
        lookup: Finds orders.
        readiness: Knows how the parts are.
        registry: Holds the metrics of this process.
        web_dir: Directory of the page.
        list_limits: Lengths of a page of `GET /orders`.
        limits: Largest parts of a request.
        front: Who may read, from where and how often.
    """

    lookup: OrderLookup
    readiness: Readiness
    registry: Registry
    web_dir: Path
    list_limits: ListLimits = field(default_factory=ListLimits)
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
    response.headers[HEADER] = request_id_of(request.environ)
    return response


def _end(_: BaseException | None) -> None:
    structlog.contextvars.unbind_contextvars("request_id", "trace_id")


def create_app(services: ApiServices) -> Flask:
    """Return the Flask application with all routes, as tests and tools use it."""
    app, meter = _create(services, Representation(COMMON))
    # Where Flask wants middleware: its own test client, too, comes through here.
    app.wsgi_app = services.front.before(app.wsgi_app, meter)  # type: ignore[assignment, method-assign]
    return app


def create_wsgi(services: ApiServices) -> Wsgi:
    """Return what the server serves: what closes the door, hot path, guard, then Flask."""
    representation = Representation(COMMON)
    app, meter = _create(services, representation)
    guarded = RequestGuard(app.wsgi_app, services.limits, meter)
    hot = HotPath(guarded, services.lookup, representation, meter)
    return services.front.before(hot, meter)


def _create(services: ApiServices, representation: Representation) -> tuple[Flask, HttpMeter]:
    app, meter = bare_app(services.registry)
    api = describe(app, closed=services.front.keys is not None)
    api.register_blueprint(
        orders_api.create_blueprint(services.lookup, representation, services.list_limits)
    )
    api.register_blueprint(health.create_blueprint(services.readiness))
    app.register_blueprint(swagger.create_blueprint())
    app.register_blueprint(page.create_blueprint(services.web_dir))
    return app, meter
