"""`/api/user/register` and `/api/user/login`: the accounts as clients of Gophermart know them.

They send a login and a password and get an access token, in a header and in a cookie. Nothing
renews it: the session lives as long as the token. The password is the client's own business there:
any that is not empty will do.
"""

import msgspec
from flask import Response, jsonify, request
from flask_smorest import Blueprint, abort

from order_service.contexts.accounts.errors import InvalidFieldsError
from order_service.contexts.accounts.model import Tokens
from order_service.contexts.accounts.passwords import PasswordPolicy
from order_service.contexts.accounts.signing_in import Registration
from order_service.http.bodies import json_of
from order_service.http.documentation import takes

from . import cookies
from .documentation import HEADERS
from .problems import answered
from .schemas import GopherSchema, TokensSchema
from .services import AccountsServices

_POLICY = PasswordPolicy(1, refuse_common=False)

_COOKIE = {"description": "The access token", "schema": {"type": "string"}}
_ANSWER_HEADERS = {
    **HEADERS,
    "Authorization": {"description": "`Bearer` and the token", "schema": {"type": "string"}},
    "Set-Cookie": _COOKIE,
}
_BODY = takes(GopherSchema)


class Credentials(msgspec.Struct):
    """The body of both routes."""

    login: str
    password: str


_CREDENTIALS = msgspec.json.Decoder(Credentials)


def add(blueprint: Blueprint, services: AccountsServices) -> None:
    """Add the routes to a blueprint."""

    @blueprint.route("/api/user/register", methods=["POST"])
    @blueprint.response(200, TokensSchema, description="Signed in", headers=_ANSWER_HEADERS)
    @blueprint.alt_response(400, "Malformed")
    @blueprint.alt_response(409, "Problem")
    @blueprint.alt_response(429, "TooManyRequests")
    @blueprint.alt_response(503, "Unavailable")
    @blueprint.doc(operationId="registerUser", security=[], requestBody=_BODY)
    def register() -> Response:
        """Register and sign in."""
        login, password = _credentials()
        person, client = Registration(login, password), services.client_of(request)
        with answered():
            try:
                tokens = services.signing_in.register(person, client, _POLICY, renewable=False)
            except InvalidFieldsError as error:
                errors = {"json": dict(error.faults)}
                abort(400, message="Not a login and a password.", errors=errors, exc=error)
        return _answer(services, tokens)

    @blueprint.route("/api/user/login", methods=["POST"])
    @blueprint.response(200, TokensSchema, description="Signed in", headers=_ANSWER_HEADERS)
    @blueprint.alt_response(400, "Malformed")
    @blueprint.alt_response(401, "Unauthorized")
    @blueprint.alt_response(403, "Problem")
    @blueprint.alt_response(429, "TooManyRequests")
    @blueprint.alt_response(503, "Unavailable")
    @blueprint.doc(operationId="loginUser", security=[], requestBody=_BODY)
    def login() -> Response:
        """Sign in."""
        name, password = _credentials()
        with answered():
            client = services.client_of(request)
            tokens = services.signing_in.login(name, password, client, renewable=False)
        return _answer(services, tokens)


def _credentials() -> tuple[str, str]:
    given = json_of(request, _CREDENTIALS)
    if not given.login or not given.password:
        abort(400, message="Neither the login nor the password may be empty.")
    return given.login, given.password


def _answer(services: AccountsServices, tokens: Tokens) -> Response:
    response = jsonify(
        status="Success",
        user_id=str(tokens.person_id),
        access_token=tokens.access_token,
        token_type="Bearer",  # noqa: S106 - no password
        expires_in=tokens.expires_in,
    )
    response.headers["Authorization"] = f"Bearer {tokens.access_token}"
    seconds, secure = tokens.expires_in, services.secure_cookies
    cookies.set_access(response, tokens.access_token, seconds, secure=secure)
    return response
