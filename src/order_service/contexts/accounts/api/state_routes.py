"""`/auth/ready`, `/auth/healthz` and `/.well-known/jwks.json`: for balancers and other services."""

from flask import Response, jsonify
from flask_smorest import Blueprint

from .documentation import HEADERS, problems
from .problems import answered
from .schemas import StatusSchema
from .services import AccountsServices

_KEY_SET_AGE = 300
"""Seconds for which others may keep the key set: half of the time that a key is shown before."""

_KEY_SET = {
    "type": "object",
    "required": ["keys"],
    "properties": {"keys": {"type": "array", "items": {"type": "object"}}},
}


def add(blueprint: Blueprint, services: AccountsServices) -> None:
    """Add the routes to a blueprint."""

    @blueprint.route("/auth/healthz")
    @blueprint.response(200, StatusSchema, description="The process answers", headers=HEADERS)
    @blueprint.doc(operationId="getAccountsHealth", security=[])
    def healthz() -> Response:
        """Say that the process is alive."""
        return jsonify(status="Success")

    @blueprint.route("/auth/ready")
    @blueprint.response(200, StatusSchema, description="People can sign in", headers=HEADERS)
    @problems(blueprint, 503)
    @blueprint.doc(operationId="getAccountsReadiness", security=[])
    def ready() -> Response:
        """Say whether people can sign in."""
        with answered():
            services.keys()
            services.people.credentials("")
        return jsonify(status="Success")

    @blueprint.route("/.well-known/jwks.json")
    @blueprint.response(
        200, description="A JWK Set (RFC 7517)", headers=HEADERS, content_type="application/json"
    )
    @problems(blueprint, 503)
    @blueprint.doc(
        operationId="getKeySet",
        security=[],
        responses={"200": {"content": {"application/json": {"schema": _KEY_SET}}}},
    )
    def jwks() -> Response:
        """Return the keys that access tokens can be verified with.

        A new key is shown ten minutes before it signs, an old one until its tokens have expired.
        """
        with answered():
            body = services.keys().jwks
        headers = {"Cache-Control": f"public, max-age={_KEY_SET_AGE}"}
        return Response(body, 200, headers, content_type="application/json")
