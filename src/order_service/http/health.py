"""Liveness and readiness, the same for the API and the workers.

Live means that the process can answer at all; a supervisor restarts it otherwise. Ready
means that it should get traffic. Parts have checks with deadlines of their own, so that a
probe never hangs.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

import msgspec
import structlog
from flask import Response
from flask_smorest import Blueprint
from marshmallow import INCLUDE, Schema, fields, validate

from .headers import REQUEST_ID

_log = structlog.get_logger(__name__)


class PartState(NamedTuple):
    """Whether a part works, and what else is worth knowing; readable by anyone.

    Attributes:
        ok: Whether it works.
        detail: JSON values, without addresses, credentials or personal data.
    """

    ok: bool
    detail: Mapping[str, object] = {}


class Check(Protocol):
    """Asks one part how it is."""

    @property
    def name(self) -> str:
        """Name of the part, such as ``postgres``."""

    @property
    def required(self) -> bool:
        """Whether the process can do nothing useful without it."""

    def state(self) -> PartState:
        """Return the state; blocks for at most a second or two."""


class Status(StrEnum):
    """Readiness of the process."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILING = "failing"


class Report(NamedTuple):
    """Readiness with the state of every part."""

    status: Status
    parts: Mapping[str, PartState]

    def as_json(self) -> bytes:
        """Return ``{"status": ..., "parts": {name: {"ok": ..., ...}}}``."""
        parts = {name: {**part.detail, "ok": part.ok} for name, part in self.parts.items()}
        return msgspec.json.encode({"status": self.status, "parts": parts})


class Readiness:
    """Decides whether the process should get traffic.

    It is failing if a required part is, or if all parts are; with only some of the others
    away it is degraded and stays in rotation. A part that several replicas share is seldom
    required: all of them would leave the rotation at once and serve nothing, even what they
    could do without it.

    Args:
        checks: The parts.
        conditions: Parts that are required, but by themselves have nothing to offer: that
            they work does not keep a process in rotation whose other parts are all away.
    """

    def __init__(self, checks: Sequence[Check], conditions: Sequence[Check] = ()) -> None:
        self._checks = checks
        self._conditions = conditions

    def report(self) -> Report:
        """Ask all parts at once: several that wait for one lost backend wait no longer than one."""
        asked = (*self._checks, *self._conditions)
        with ThreadPoolExecutor(max(1, len(asked)), "health-check") as threads:
            states = list(zip(asked, threads.map(_state, asked), strict=True))
        parts = {check.name: state for check, state in states}
        broken = [check for check, state in states if not state.ok]
        if not broken:
            return Report(Status.OK, parts)
        nothing_left = all(check in broken for check in self._checks)
        failing = nothing_left or any(check.required for check in broken)
        return Report(Status.FAILING if failing else Status.DEGRADED, parts)


def _state(check: Check) -> PartState:
    """Return the state of a part; a check that breaks says that its part is not well."""
    try:
        return check.state()
    except Exception:  # noqa: BLE001 - whatever it is, the probe must be answered
        _log.exception("a health check broke", part=check.name)
        return PartState(ok=False, detail={"error": "the check itself failed"})


class PartSchema(Schema):
    """State of one part; more members depend on the part."""

    class Meta:
        """Settings of the schema."""

        unknown = INCLUDE

    ok = fields.Boolean(required=True, metadata={"description": "It works", "example": True})


class HealthSchema(Schema):
    """State of the process."""

    status = fields.String(
        required=True,
        validate=validate.OneOf([*Status]),
        metadata={"description": "degraded still gets traffic, failing does not", "example": "ok"},
    )
    parts = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(PartSchema),
        required=True,
        metadata={"example": {"postgres": {"ok": True}, "redis": {"ok": True}}},
    )


# Described once, in `openapi`.
_HEADERS = {REQUEST_ID: REQUEST_ID}


def create_blueprint(readiness: Readiness) -> Blueprint:
    """Return the blueprint with `/health/live` and `/health/ready`."""
    blueprint = Blueprint("health", __name__, url_prefix="/health", description="Health")

    @blueprint.route("/live")
    @blueprint.response(200, HealthSchema, description="The process serves", headers=_HEADERS)
    @blueprint.doc(operationId="isLive", security=[])
    def live() -> Response:
        """Tell that the process serves."""
        return _answer(Report(Status.OK, {}))

    @blueprint.route("/ready")
    @blueprint.response(200, HealthSchema, description="It should get traffic", headers=_HEADERS)
    @blueprint.alt_response(
        503, schema=HealthSchema, description="It should get none", headers=_HEADERS
    )
    @blueprint.doc(operationId="isReady", security=[])
    def ready() -> Response:
        """Tell whether the process should get traffic, and how each part is."""
        return _answer(readiness.report())

    return blueprint


def _answer(report: Report) -> Response:
    status = 503 if report.status is Status.FAILING else 200
    headers: dict[str, Any] = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Response(report.as_json(), status, headers)
