"""`/auth/registration`, `/login`, `/refresh`, `/logout`: how a session begins, goes on and ends."""

from typing import Any
from uuid import UUID

from flask import Response, jsonify, request
from flask_smorest import Blueprint

from order_service.contexts.accounts.errors import InvalidTokenError
from order_service.contexts.accounts.model import Profile, Tokens
from order_service.contexts.accounts.signing_in import Registration

from . import cookies
from .documentation import HEADERS, SESSION_HEADER, problems
from .problems import answered
from .schemas import (
    CredentialsSchema,
    RefreshSchema,
    RegistrationSchema,
    StatusSchema,
    TokensSchema,
)
from .services import AccountsServices

_SCHEME = "bearer "


def add(blueprint: Blueprint, services: AccountsServices) -> None:
    """Add the routes to a blueprint."""
    _add_registration(blueprint, services)
    _add_login(blueprint, services)
    _add_refresh(blueprint, services)
    _add_logout(blueprint, services)


def _add_registration(blueprint: Blueprint, services: AccountsServices) -> None:
    @blueprint.route("/auth/registration", methods=["POST"], parameters=[SESSION_HEADER])
    @blueprint.arguments(RegistrationSchema, unknown=None)
    @blueprint.response(200, TokensSchema, description="Registered and signed in", headers=HEADERS)
    @problems(blueprint, 400, 409, 422, 429, 503)
    @blueprint.doc(operationId="register", security=[])
    def registration(given: dict[str, Any]) -> Response:
        """Register a person and open a session."""
        profile = Profile(given.get("email"), given.get("name"), given.get("birthday"))
        person = Registration(given["login"], given["password"], profile)
        with answered():
            client = services.client_of(request)
            tokens = services.signing_in.register(person, client, services.policy)
        return _answer(services, tokens)


def _add_login(blueprint: Blueprint, services: AccountsServices) -> None:
    @blueprint.route("/auth/login", methods=["POST"], parameters=[SESSION_HEADER])
    @blueprint.arguments(CredentialsSchema, unknown=None)
    @blueprint.response(200, TokensSchema, description="Signed in", headers=HEADERS)
    @problems(blueprint, 400, 401, 403, 422, 429, 503)
    @blueprint.doc(operationId="login", security=[])
    def login(given: dict[str, Any]) -> Response:
        """Open a session.

        From the fifth failure on, the login and the address have to wait, each time twice as long.
        """
        with answered():
            client = services.client_of(request)
            tokens = services.signing_in.login(given["login"], given["password"], client)
        return _answer(services, tokens)


def _add_refresh(blueprint: Blueprint, services: AccountsServices) -> None:
    @blueprint.route("/auth/refresh", methods=["POST"], parameters=[SESSION_HEADER])
    @blueprint.arguments(RefreshSchema, unknown=None, required=False)
    @blueprint.response(200, TokensSchema, description="New tokens", headers=HEADERS)
    @problems(blueprint, 400, 401, 403, 422, 429, 503)
    @blueprint.doc(operationId="refresh", security=[])
    def refresh(given: dict[str, Any]) -> Response:
        """Give new tokens for a refresh token.

        A refresh token is used up by that; for ten seconds it gets the same answer again. Used
        later, it ends the session: somebody has copied it.
        """
        token, _ = cookies.refresh_token_of(request, given)
        with answered():
            tokens = services.sessions.renew(token, services.client_of(request))
        return _answer(services, tokens)


def _add_logout(blueprint: Blueprint, services: AccountsServices) -> None:
    @blueprint.route("/auth/logout", methods=["POST"], parameters=[SESSION_HEADER])
    @blueprint.arguments(RefreshSchema, unknown=None, required=False)
    @blueprint.response(200, StatusSchema, description="The session has ended", headers=HEADERS)
    @problems(blueprint, 400, 403, 422, 429, 503)
    @blueprint.doc(operationId="logout", security=[])
    def logout(given: dict[str, Any]) -> Response:
        """End the session of a refresh token, or that of the access token that is sent.

        It succeeds, too, if there is none: then nobody is signed in.
        """
        token, by_cookie = cookies.refresh_token_of(request, given)
        with answered():
            services.sessions.logout(token) if token else _end_own(services)
        response = jsonify(status="Success")
        if by_cookie:
            cookies.drop_refresh(response, secure=services.secure_cookies)
        return response


def _end_own(services: AccountsServices) -> None:
    """End the session of the access token of this request, if it has a valid one."""
    given = request.headers.get("Authorization", "")
    if given[: len(_SCHEME)].lower() != _SCHEME:
        return
    try:
        identity = services.verification.verify(given[len(_SCHEME) :].strip())
    except InvalidTokenError:
        return
    services.sessions.end_if_open(UUID(identity.session_id), UUID(identity.person_id))


def _answer(services: AccountsServices, tokens: Tokens) -> Response:
    """Return the tokens; the refresh token in a cookie if the client is a page that wants that."""
    body: dict[str, Any] = {
        "status": "Success",
        "user_id": str(tokens.person_id),
        "access_token": tokens.access_token,
        "token_type": "Bearer",
        "expires_in": tokens.expires_in,
    }
    by_cookie = cookies.wants_cookie(request)
    response = jsonify(body if by_cookie else body | {"refresh_token": tokens.refresh_token})
    if by_cookie:
        seconds, secure = tokens.session_seconds, services.secure_cookies
        cookies.set_refresh(response, tokens.refresh_token, seconds, secure=secure)
    return response
