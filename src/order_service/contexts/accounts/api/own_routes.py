"""What people see and change of their own: `/auth/info`, `/auth/sessions`, `/auth/sign-ins`."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Response, jsonify, request
from flask_smorest import Blueprint, abort

from order_service.contexts.accounts.errors import NoSuchPersonError
from order_service.contexts.accounts.model import Person, SessionRecord, SignIn
from order_service.contexts.accounts.ports import SignInPosition
from order_service.contexts.accounts.signing_in import PasswordChange
from order_service.http.authentication import Principal
from order_service.http.documentation import UUID_TEXT, parameter
from order_service.http.persons import principal

from .documentation import HEADERS, problems
from .problems import answered
from .schemas import (
    CURSOR_PATTERN,
    EndedSchema,
    InfoSchema,
    PasswordChangeSchema,
    SessionsSchema,
    SignInPageSchema,
    SignInQuery,
    StatusSchema,
)
from .services import AccountsServices

_cursor_parts = re.compile(CURSOR_PATTERN, re.ASCII).match
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_SESSION_ID = parameter(
    "path", "session_id", "The session", UUID_TEXT, "01931b7c-1c42-7b0f-8d1e-4a6f2b9c3d58"
)


def add(blueprint: Blueprint, services: AccountsServices) -> None:
    """Add the routes to a blueprint."""
    _add_info(blueprint, services)
    _add_sessions(blueprint, services)
    _add_endings(blueprint, services)
    _add_password(blueprint, services)
    _add_sign_ins(blueprint, services)


def _add_info(blueprint: Blueprint, services: AccountsServices) -> None:
    @blueprint.route("/auth/info")
    @blueprint.response(200, InfoSchema, description="The person", headers=HEADERS)
    @problems(blueprint, 401, 403, 429, 503)
    @blueprint.doc(operationId="getOwnAccount")
    def info() -> Response:
        """Return what is known of the person who asks."""
        caller = principal()
        with answered():
            person = services.people.person(UUID(caller.subject))
            if person is None:
                raise NoSuchPersonError(caller.subject)
        return jsonify(_info(person, caller))


def _info(person: Person, caller: Principal) -> dict[str, Any]:
    return {
        "status": "Success",
        "user_id": str(person.id),
        "session_id": caller.session,
        "login": person.login,
        "email": person.email,
        "name": person.name,
        "birthday": person.birthday.isoformat() if person.birthday else None,
        "admin": person.admin,
        "created_at": person.created_at.isoformat(),
    }


def _add_sessions(blueprint: Blueprint, services: AccountsServices) -> None:
    @blueprint.route("/auth/sessions")
    @blueprint.response(200, SessionsSchema, description="The open sessions", headers=HEADERS)
    @problems(blueprint, 401, 403, 429, 503)
    @blueprint.doc(operationId="listOwnSessions")
    def sessions() -> Response:
        """List the open sessions, the one that was used last first."""
        caller = principal()
        with answered():
            found = services.sessions.open_of(UUID(caller.subject))
        lines = [_session(each, caller) for each in found]
        return jsonify(status="Success", sessions=lines)


def _session(session: SessionRecord, caller: Principal) -> dict[str, Any]:
    return {
        "id": str(session.id),
        "current": str(session.id) == caller.session,
        "created_at": session.created_at.isoformat(),
        "last_used_at": session.renewed_at.isoformat(),
        "expires_at": session.expires_at.isoformat(),
        **session.client._asdict(),
    }


def _add_endings(blueprint: Blueprint, services: AccountsServices) -> None:
    @blueprint.route("/auth/sessions", methods=["DELETE"])
    @blueprint.response(200, EndedSchema, description="Signed out everywhere", headers=HEADERS)
    @problems(blueprint, 401, 403, 429, 503)
    @blueprint.doc(operationId="endOwnSessions")
    def end_all() -> Response:
        """Sign out everywhere, here too."""
        with answered():
            ended = services.sessions.end_all(UUID(principal().subject))
        return jsonify(status="Success", ended=ended)

    @blueprint.route("/auth/sessions/<session_id>", methods=["DELETE"], parameters=[_SESSION_ID])
    @blueprint.response(200, StatusSchema, description="The session has ended", headers=HEADERS)
    @problems(blueprint, 401, 403, 404, 429, 503)
    @blueprint.doc(operationId="endOwnSession")
    def end(session_id: str) -> Response:
        """End one session."""
        with answered():
            services.sessions.end(_uuid(session_id), UUID(principal().subject))
        return jsonify(status="Success")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        abort(404, message="There is no such session.")


def _add_password(blueprint: Blueprint, services: AccountsServices) -> None:
    @blueprint.route("/auth/password", methods=["POST"])
    @blueprint.arguments(PasswordChangeSchema, unknown=None)
    @blueprint.response(200, StatusSchema, description="The password is changed", headers=HEADERS)
    @problems(blueprint, 400, 401, 403, 422, 429, 503)
    @blueprint.doc(operationId="changeOwnPassword")
    def change_password(given: dict[str, Any]) -> Response:
        """Change the password; all other sessions end."""
        caller = principal()
        person_id, session_id = UUID(caller.subject), UUID(caller.session)
        change = PasswordChange(person_id, session_id, given["password"], given["new_password"])
        with answered():
            client = services.client_of(request)
            services.signing_in.change_password(change, client, services.policy)
        return jsonify(status="Success")


def _add_sign_ins(blueprint: Blueprint, services: AccountsServices) -> None:
    @blueprint.route("/auth/sign-ins")
    @blueprint.arguments(SignInQuery, location="query", unknown=None, error_status_code=400)
    @blueprint.response(200, SignInPageSchema, description="One page", headers=HEADERS)
    @problems(blueprint, 400, 401, 403, 429, 503)
    @blueprint.doc(operationId="listOwnSignIns")
    def sign_ins(wanted: dict[str, Any]) -> Response:
        """List who tried to sign in, when and from where, newest first."""
        limit, after = wanted["limit"], _position(wanted.get("cursor"))
        with answered():
            found = services.trail.of_person(UUID(principal().subject), limit + 1, after)
        page = found[:limit]
        cursor = _cursor(page[-1]) if len(found) > limit else None
        return jsonify(status="Success", sign_ins=[_sign_in(e) for e in page], next_cursor=cursor)


def _sign_in(entry: SignIn) -> dict[str, Any]:
    return {
        "result": entry.result.value,
        "at": entry.at.isoformat(),
        "session_id": str(entry.session_id) if entry.session_id else None,
        **entry.client._asdict(),
    }


def _cursor(last: SignIn) -> str:
    return f"{(last.at - _EPOCH) // _MICROSECOND}.{last.id}"


def _position(cursor: str | None) -> SignInPosition | None:
    match = _cursor_parts(cursor or "")
    if match is None:
        return None
    return SignInPosition(_EPOCH + int(match[1]) * _MICROSECOND, UUID(match[2]))
