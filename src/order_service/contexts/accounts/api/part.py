"""What the accounts add to the API."""

from collections.abc import Mapping, Sequence

from flask_smorest import Blueprint

from order_service.http.access import Access
from order_service.http.api_part import ApiPart
from order_service.http.authentication import Authenticator
from order_service.http.health import Check
from order_service.http.json_arguments import JsonBlueprint

from . import gophermart, own_routes, sign_in_routes, state_routes
from .problems import older_face
from .services import AccountsServices

OWN = "account"
"""The scope of what people see and change of their own account."""

_OWN = Access((OWN,), personal=True)

_SCHEMES: Mapping[str, Mapping[str, object]] = {
    "accessToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "What `POST /auth/login` answers as `access_token`.",
    }
}

_DESCRIPTION = """\
**Accounts.** `POST /auth/registration` and `POST /auth/login` give an access token, valid for
minutes, and a refresh token, which `POST /auth/refresh` exchanges for new ones. A login is 1 to 255
characters without spaces; with an `@` inside it is an e-mail address; case does not matter. A
password is 10 to 128 characters (the least number can be configured), not one of those that
everybody tries first, and not the login. Errors of `/auth/*` carry `"status": "Error"` and `error`.
"""


def create_part(
    services: AccountsServices,
    authenticator: Authenticator,
    checks: Sequence[Check],
    conditions: Sequence[Check] = (),
) -> ApiPart:
    """Return the routes, who may ask for them, and what knows people's tokens.

    Args:
        services: What the routes call.
        authenticator: Knows people's tokens.
        checks: What signing in stands on.
        conditions: What knowing people by their tokens needs beside.
    """
    auth = JsonBlueprint("accounts", __name__, description="People: sign-in, sessions, keys")
    for routes in (sign_in_routes, own_routes, state_routes):
        routes.add(auth, services)
    user = Blueprint("user", __name__, description="People, as clients of Gophermart sign in")
    gophermart.add(user, services)
    return ApiPart(
        blueprints=[auth, user],
        access={
            "/auth/registration": None,
            "/auth/login": None,
            "/auth/refresh": None,
            "/auth/logout": None,
            "/auth/healthz": None,
            "/auth/ready": None,
            "/auth/password": Access((OWN,), personal=True, fresh=True),
            "/auth/": _OWN,
            "/.well-known/jwks.json": None,
            "/api/user/register": None,
            "/api/user/login": None,
        },
        checks=checks,
        conditions=conditions,
        authenticators=[authenticator],
        security_schemes=_SCHEMES,
        problem_faces={"/auth/": older_face},
        description=_DESCRIPTION,
    )
